//! The choice between the two kinds of display of a Linux desktop, Wayland and X11.

use eframe::EventLoopBuilderHook;

/// Opens the window on X11 if the environment names a Wayland compositor that no longer runs, as in a terminal that
/// outlived it: the window library relies on the name and gives up.
#[cfg(target_os = "linux")]
pub(super) fn event_loop_builder() -> Option<EventLoopBuilderHook> {
    use winit::platform::x11::EventLoopBuilderExtX11 as _;
    let of = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    // A socket that was handed down already open needs no check.
    let wayland = of("WAYLAND_DISPLAY").filter(|_| of("WAYLAND_SOCKET").is_none())?;
    of("DISPLAY")?;
    if answers(&wayland, of("XDG_RUNTIME_DIR").as_deref()) {
        return None;
    }
    log::warn!(
        "no compositor listens at WAYLAND_DISPLAY={}; trying X11",
        wayland.display()
    );
    Some(Box::new(|builder| {
        builder.with_x11();
    }))
}

/// Other systems have one kind of display.
#[cfg(not(target_os = "linux"))]
pub(super) fn event_loop_builder() -> Option<EventLoopBuilderHook> {
    None
}

/// Whether a Wayland compositor listens. A relative name is looked up in the folder for sockets.
#[cfg(target_os = "linux")]
fn answers(display: &std::ffi::OsStr, folder: Option<&std::ffi::OsStr>) -> bool {
    let display = std::path::Path::new(display);
    let socket = match (display.is_absolute(), folder) {
        (true, _) => display.to_owned(),
        (false, Some(folder)) => std::path::Path::new(folder).join(display),
        (false, None) => return false,
    };
    std::os::unix::net::UnixStream::connect(socket).is_ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn finds_a_compositor_only_while_it_listens() {
        let folder = tempfile::tempdir().expect("a folder");
        let (socket, name) = (folder.path().join("wayland-9"), std::ffi::OsStr::new("wayland-9"));
        let within = Some(folder.path().as_os_str());
        assert!(!answers(name, within), "no socket");
        let listener = UnixListener::bind(&socket).expect("a socket");
        assert!(answers(name, within));
        assert!(answers(socket.as_os_str(), None));
        assert!(!answers(name, None), "a relative name without a folder for sockets");
        drop(listener);
        assert!(
            socket.exists() && !answers(name, within),
            "the socket of a compositor that has exited"
        );
    }
}
