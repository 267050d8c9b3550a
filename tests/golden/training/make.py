"""Makes the files of this folder: gradients and optimiser steps of PyTorch on the small models beside it.

The forward pass is written here from the paper and from the names and shapes of the checkpoints, and is first compared
with the logits that the published program put out (`../*/case.safetensors`), so its gradients are those of the
published network. Run it with PyTorch, numpy and safetensors installed:

    python tests/golden/training/make.py
"""

import json
import re
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

FOLDER = Path(__file__).parent
torch.manual_seed(7)
torch.set_num_threads(1)
# Of a gradient with more values than this, every so manyth is kept: a prime, so that all rows and columns occur.
WHOLE, STEP = 256, 29


def block(w, name, x, heads, eps=1e-5):
    def norm(x, part):
        return F.layer_norm(x, x.shape[-1:], w[f"{name}.{part}.weight"], w[f"{name}.{part}.bias"], eps)

    def linear(x, part):
        return F.linear(x, w[f"{name}.{part}.weight"], w[f"{name}.{part}.bias"])

    batch, tokens, dim = x.shape
    qkv = linear(norm(x, "norm1"), "attn.qkv").reshape(batch, tokens, 3, heads, dim // heads).permute(2, 0, 3, 1, 4)
    q, k, v = qkv
    attention = (q @ k.transpose(-2, -1) * (dim // heads) ** -0.5).softmax(-1)
    x = x + linear((attention @ v).transpose(1, 2).reshape(batch, tokens, dim), "attn.proj")
    return x + linear(F.gelu(linear(norm(x, "norm2"), "mlp.fc1")), "mlp.fc2")


def logits(case, w, image, mask):
    about = json.loads((FOLDER / ".." / case / "manifest.json").read_text())
    heads, depth, grid, patch = about["heads"], about["encoder_depth"], about["pos_embed_grid"], about["patch"]
    batch, _, height, width = image.shape
    rows, columns = height // patch, width // patch
    x = F.conv2d(image, w["encoder.patch_embed.proj.weight"], w["encoder.patch_embed.proj.bias"], stride=patch)
    x = x.flatten(2).transpose(1, 2)
    positions = w["encoder.pos_embed"]
    square = positions[:, 1:].reshape(1, *grid, -1).permute(0, 3, 1, 2)
    # A grid with as many patches is used as it is, as in the published code.
    if grid[0] * grid[1] != rows * columns:
        square = F.interpolate(square, (rows, columns), mode="bilinear", align_corners=False)
    positions = torch.cat([positions[:, :1], square.flatten(2).transpose(1, 2)], 1)
    x = torch.cat([w["encoder.cls_token"].expand(batch, -1, -1), x], 1) + positions
    for i in range(depth):
        x = block(w, f"encoder.blocks.{i}", x, heads)
    x = F.layer_norm(x, x.shape[-1:], w["encoder.norm.weight"], w["encoder.norm.bias"], 1e-5)[:, 1:]
    if mask:
        x = F.linear(x, w["decoder.proj_dec.weight"], w["decoder.proj_dec.bias"])
        classes = w["decoder.cls_emb"].expand(batch, -1, -1)
        count = classes.shape[1]
        x = torch.cat([x, classes], 1)
        for i in range(2):
            x = block(w, f"decoder.blocks.{i}", x, heads)
        x = F.layer_norm(x, x.shape[-1:], w["decoder.decoder_norm.weight"], w["decoder.decoder_norm.bias"], 1e-5)
        patches, classes = x[:, :-count] @ w["decoder.proj_patch"], x[:, -count:] @ w["decoder.proj_classes"]
        patches, classes = (t / t.norm(dim=-1, keepdim=True) for t in (patches, classes))
        x = patches @ classes.transpose(1, 2)
        x = F.layer_norm(x, x.shape[-1:], w["decoder.mask_norm.weight"], w["decoder.mask_norm.bias"], 1e-5)
    else:
        x = F.linear(x, w["decoder.head.weight"], w["decoder.head.bias"])
    low = x.transpose(1, 2).reshape(batch, -1, rows, columns)
    return F.interpolate(low, (height, width), mode="bilinear", align_corners=False)


def weights(case, dtype):
    state = torch.load(FOLDER / ".." / case / "checkpoint.pth", weights_only=False, map_location="cpu")["model"]
    return {name: value.to(dtype) for name, value in state.items() if not name.startswith("encoder.head")}


def out_classes(case):
    return json.loads((FOLDER / ".." / case / "manifest.json").read_text())["classes"]


def drawn(classes, rows=8, columns=12):
    """Two images with labels of so many blocks of 4 x 4 pixels, of which some are to be ignored."""
    image = torch.randn(2, 3, 4 * rows, 4 * columns, dtype=torch.float64)
    labels = torch.randint(0, classes, (2, rows, columns)).repeat_interleave(4, 1).repeat_interleave(4, 2)
    labels[0, :20, :30] = 255
    return image, labels


def thinned(files):
    """Gradients without most of their values, all in single precision."""
    kept = {}
    for name, value in files.items():
        value = value.detach().float().contiguous()
        if name.startswith("gradient.") and value.numel() > WHOLE:
            name, value = name.replace("gradient.", f"gradient_every{STEP}.", 1), value.flatten()[::STEP].clone()
        kept[name] = value
    return kept


def compare_forward(case, found):
    """With the logits that the published program put out, of which every third row and column is kept."""
    golden = load_file(FOLDER / ".." / case / "case.safetensors")
    worst = (found[:, :, ::3, ::3] - golden["logits_every3"]).abs().max().item()
    assert worst < 2e-4, (case, worst)
    print(case, "forward differs from the published one by", worst)


def check(case, mask):
    """The forward pass above is that of the published program."""
    golden = load_file(FOLDER / ".." / case / "case.safetensors")
    image = golden["input"]
    height, width = image.shape[2:]
    padded = F.pad(image, (0, -width % 16, 0, -height % 16))
    found = logits(case, weights(case, torch.float32), padded, mask)[:, :, :height, :width]
    compare_forward(case, found)


def gradients(case, mask):
    w = {name: value.requires_grad_() for name, value in weights(case, torch.float64).items()}
    image, labels = drawn(out_classes(case))
    out = logits(case, w, image, mask)
    files = {"image": image.float(), "labels": labels.float()}
    # rstrudel/segmenter averages over the labelled pixels, mmsegmentation over all of them.
    total = F.cross_entropy(out, labels, ignore_index=255, reduction="sum")
    files["loss.labelled"] = (total / (labels != 255).sum()).detach().float().reshape(1)
    files["loss.all"] = (total / labels.numel()).detach().float().reshape(1)
    (total / (labels != 255).sum()).backward()
    files |= {f"gradient.{name}": value.grad for name, value in w.items()}
    save_file(thinned(files), FOLDER / f"{case}.safetensors")


def setr_weights(case, dtype):
    """The published file's tensors under this project's names (`tensors_of`)."""
    state = torch.load(FOLDER / ".." / case / f"{case}.pth", weights_only=False, map_location="cpu")["state_dict"]
    names = {
        "backbone.layers.": "encoder.blocks.", ".ln1.": ".norm1.", ".ln2.": ".norm2.", ".attn.attn.in_proj_": ".attn.qkv.",
        ".attn.attn.out_proj.": ".attn.proj.", ".ffn.layers.0.0.": ".mlp.fc1.", ".ffn.layers.1.": ".mlp.fc2.",
        "backbone.patch_embed.projection.": "encoder.patch_embed.proj.", "backbone.": "encoder.", "decode_head.norm.": "main.norm.",
        "neck.norm.": "norms.", "neck.mla.channel_proj.": "project.", "neck.mla.feat_extract.": "smooth.",
        ".conv.weight": ".weight", ".bn.running_mean": ".norm.mean", ".bn.running_var": ".norm.variance", ".bn.": ".norm.",
    }
    mla = case.endswith("mla")
    w = {}
    for name, value in state.items():
        for old, new in names.items():
            name = name.replace(old, new)
        if mla:
            name = name.replace("decode_head.up_convs.", "refine.").replace("decode_head.conv_seg.", "classify.")
            name = re.sub(r"auxiliary_head\.(\d)\.conv_seg", r"auxiliary.\1", name)
            # The file numbers these from the deepest path on.
            name = re.sub(r"^(smooth|refine|auxiliary)\.(\d)", lambda m: f"{m[1]}.{3 - int(m[2])}", name)
            if name == "classify.weight":
                value = value.reshape(value.shape[0], 4, -1, 1, 1).flip(1).reshape(value.shape)
        else:
            name = re.sub(r"auxiliary_head\.", "auxiliary.", name.replace("decode_head.", "main."))
            name = re.sub(r"up_convs\.(\d)\.0", r"stages.\1", name).replace("conv_seg", "classify")
        if not name.endswith("num_batches_tracked"):
            w[name] = value.to(dtype)
    return w


def setr_logits(case, w, image, learns, size=None):
    """Logits of the main head and the auxiliary ones at a size, the image's own without one."""
    about = json.loads((FOLDER / ".." / case / "manifest.json").read_text())
    heads, depth, grid, mla = about["heads"], about["encoder_depth"], about["pos_embed_grid"], case.endswith("mla")
    batch, _, height, width = image.shape
    rows, columns = height // 16, width // 16

    def norm(x, name):
        return F.layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"], 1e-6)

    def normed(x, name):
        x = F.conv2d(x, w[f"{name}.weight"], padding=w[f"{name}.weight"].shape[2] // 2)
        parts = (w[f"{name}.norm.{part}"] for part in ("mean", "variance", "weight", "bias"))
        return F.relu(F.batch_norm(x, *parts, training=learns, momentum=0.1, eps=1e-5))

    def resized(x, size):
        return F.interpolate(x, size, mode="bilinear", align_corners=False)

    def enlarged(x, factor):
        return resized(x, (x.shape[2] * factor, x.shape[3] * factor))

    def classified(x, name):
        return resized(F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"]), size or (height, width))

    x = F.conv2d(image, w["encoder.patch_embed.proj.weight"], w["encoder.patch_embed.proj.bias"], stride=16)
    x = x.flatten(2).transpose(1, 2)
    square = w["encoder.pos_embed"][:, 1:].reshape(1, *grid, -1).permute(0, 3, 1, 2)
    if grid[0] * grid[1] != rows * columns:
        square = resized(square, (rows, columns))
    x = x + square.flatten(2).transpose(1, 2)
    if not mla:
        x = torch.cat([(w["encoder.cls_token"] + w["encoder.pos_embed"][:, :1]).expand(batch, -1, -1), x], 1)
    taps = []
    for i in range(depth):
        x = block(w, f"encoder.blocks.{i}", x, heads, 1e-6)
        taps.append(x if mla else x[:, 1:])

    def as_map(tokens, name):
        return norm(tokens, name).transpose(1, 2).reshape(batch, -1, rows, columns)

    if mla:
        sums = [normed(as_map(taps[i], f"norms.{i}"), f"project.{i}") for i in range(4)]
        for i in (2, 1, 0):
            sums[i] = sums[i] + sums[i + 1]
        paths = [normed(sums[i], f"smooth.{i}") for i in range(4)]
        refined = [enlarged(normed(normed(paths[i], f"refine.{i}.0"), f"refine.{i}.1"), 4) for i in range(4)]
        return [classified(torch.cat(refined, 1), "classify")] + [classified(paths[i], f"auxiliary.{i}") for i in range(4)]

    def head(tap, name, up):
        x = as_map(taps[tap], f"{name}.norm")
        for i in range(sum(key.startswith(f"{name}.stages.") and key.endswith(".norm.mean") for key in w)):
            x = enlarged(normed(x, f"{name}.stages.{i}"), up)
        return classified(x, f"{name}.classify")

    return [head(3, "main", 2 if case.endswith("pup") else 4)] + [head(i, f"auxiliary.{i}", 4) for i in range(3)]


def setr(case):
    """Gradients of a SETR with its auxiliary heads, and what its batch norms keep."""
    golden = load_file(FOLDER / ".." / case / "case.safetensors")
    image = golden["input"]
    height, width = image.shape[2:]
    padded = F.pad(image, (0, -width % 16, 0, -height % 16))
    found = setr_logits(case, setr_weights(case, torch.float32), padded, False, (height, width))
    compare_forward(case, found[0])
    w = setr_weights(case, torch.float64)
    running = {name for name in w if name.endswith((".norm.mean", ".norm.variance"))}
    learnt = {name: value.requires_grad_() for name, value in w.items() if name not in running}
    # Batch norms over few patches lose more digits than the test allows: MLA has the most of them.
    image, labels = drawn(out_classes(case), *((12, 16) if case.endswith("mla") else (8, 12)))
    # mmsegmentation averages over all pixels, and auxiliary losses count 0.4.
    outputs = setr_logits(case, w, image, True)
    losses = [F.cross_entropy(x, labels, ignore_index=255, reduction="sum") / labels.numel() for x in outputs]
    sum(loss * (0.4 if i else 1.0) for i, loss in enumerate(losses)).backward()
    files = {"image": image, "labels": labels, "losses": torch.stack(losses)}
    files |= {f"gradient.{name}": value.grad for name, value in learnt.items() if value.grad is not None}
    files |= {f"running.{name}": w[name] for name in running}
    if case.endswith("mla"):
        # The class token is taken out before the first block, and its position with it.
        files["gradient.encoder.pos_embed"] = files["gradient.encoder.pos_embed"][:, 1:]
    save_file(thinned(files), FOLDER / f"{case}.safetensors")


def steps():
    """Three steps of every optimiser over two tensors, with the global norm of the gradients clipped."""
    files = {}
    start = {"a": torch.randn(7, 5), "b": torch.randn(11)}
    pushes = [{name: torch.randn_like(value) * 3 for name, value in start.items()} for _ in range(3)]
    for name, value in start.items():
        files[f"start.{name}"] = value
        for i, push in enumerate(pushes):
            files[f"gradient.{i}.{name}"] = push[name]
    optimisers = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
        "nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True),
        "adamw": lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.05),
    }
    for kind, make in optimisers.items():
        for clip in (None, 1.0):
            parameters = {name: value.clone().requires_grad_() for name, value in start.items()}
            optimiser = make(list(parameters.values()))
            for i, push in enumerate(pushes):
                for name, value in parameters.items():
                    value.grad = push[name].clone()
                if clip:
                    torch.nn.utils.clip_grad_norm_(parameters.values(), clip)
                optimiser.param_groups[0]["lr"] = 0.1 / (i + 1)
                optimiser.step()
                for name, value in parameters.items():
                    files[f"{kind}.{'clipped' if clip else 'free'}.{i}.{name}"] = value.detach().clone()
    save_file(files, FOLDER / "steps.safetensors")


for case, mask in (("rstrudel-mask-p16", True), ("rstrudel-linear-p16", False)):
    check(case, mask)
    gradients(case, mask)
steps()
for case in ("mmseg-setr-pup", "mmseg-setr-mla"):
    setr(case)
