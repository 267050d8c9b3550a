"""Renders the sample street image and its exact label map with Blender.

    blender -b -P render_street.py                       full size, seven to ten minutes on two cores
    blender -b -P render_street.py -- --percent 40 --samples 16 --out /tmp/preview
    blender -b -P render_street.py -- --percent 40 --samples 16 --out street-views --views 60

Written next to this script (or into --out):
    street.jpg          1280x960, the rendered image
    street-labels.png   the same size, 8-bit palette PNG whose pixel values are class ids

With --views N the same street is seen from N other places in other light, to train with:
    images/street-000.jpg, ... and labels/street-000.png, ...

Everything is built here from primitives, procedural shaders and a fixed random seed: no
downloads, no image textures, no models. The label map comes from a second pass of the same
scene and camera in which every surface emits its class id and each pixel takes one ray
through its centre, so no pixel mixes two classes.

Tested with Blender 3.4 (Cycles, CPU); on Debian: apt-get install blender python3-numpy.
Axes: x to the right, y along the street, z up, metres.
Traffic keeps to the left.
"""

import argparse
import math
import os
import random
import struct
import sys
import tempfile
import zlib

import bmesh
import bpy
import numpy as np
from mathutils import Matrix, Vector

SKY, BUILDING, POLE, ROAD, PAVEMENT, TREE, SIGN, FENCE, CAR, PEDESTRIAN, BICYCLIST, VOID = range(12)
PALETTE = [(128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (60, 40, 222), (128, 128, 0),
           (192, 128, 128), (64, 64, 128), (64, 0, 128), (64, 64, 0), (0, 128, 192), (0, 0, 0)]
KERB, BACK = 5.0, 8.4          # |x| of the kerb and of the building line
STREET_END = 112.0
rng = random.Random(7)


# ---------------------------------------------------------------- shaders

class Shader:
    """A small wrapper that creates shader nodes and links sockets passed as inputs."""

    def __init__(self, owner):
        """owner is the name of a new material, or the world."""
        self.mat = bpy.data.materials.new(owner) if isinstance(owner, str) else owner
        self.mat.use_nodes = True
        self.tree = self.mat.node_tree
        self.bsdf = self.tree.nodes.get("Principled BSDF")

    def node(self, kind, inputs=(), out=0, **attrs):
        n = self.tree.nodes.new("ShaderNode" + kind)
        for key, value in attrs.items():
            setattr(n, key, value)
        for key, value in dict(inputs).items():
            self.put(n.inputs[key], value)
        return n.outputs[out]

    def put(self, socket, value):
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        elif socket.type == "RGBA" and len(value) == 3:
            socket.default_value = (*value, 1)
        else:
            socket.default_value = value

    def math(self, op, a, b=0.0):
        return self.node("Math", {0: a, 1: b}, operation=op)

    def mix(self, fac, a, b, blend="MIX"):
        return self.node("MixRGB", {0: fac, 1: a, 2: b}, blend_type=blend)

    def position(self):
        return self.node("NewGeometry")

    def local(self):
        return self.node("TexCoord", out="Object")

    def noise(self, vec, scale, detail=4.0, lo=0.3, hi=0.7):
        """Noise stretched so that lo..hi becomes 0..1."""
        n = self.node("TexNoise", {"Vector": vec, "Scale": scale, "Detail": detail})
        return self.node("MapRange", {0: n, 1: lo, 2: hi, 3: 0.0, 4: 1.0})

    def plane(self, vec, wall):
        """2D coordinates: along the wall and up, or the ground plane."""
        s = self.node("SeparateXYZ", {0: vec}).node
        if not wall:
            return self.node("CombineXYZ", {0: s.outputs[1], 1: s.outputs[0]})
        return self.node("CombineXYZ", {0: self.math("ADD", s.outputs[0], s.outputs[1]), 1: s.outputs[2]})

    def set(self, bump=None, strength=0.3, distance=0.02, **inputs):
        for key, value in inputs.items():
            self.put(self.bsdf.inputs[key.replace("_", " ")], value)
        if bump is not None:
            self.put(self.bsdf.inputs["Normal"],
                     self.node("Bump", {"Height": bump, "Strength": strength, "Distance": distance}))
        return self.mat


def plain(name, colour, rough=0.6, metal=0.0, vary=0.25, scale=6.0, clear=0.0):
    """One colour, mottled and dirtied by noise."""
    s = Shader(name)
    dirt = s.noise(s.local(), scale, 6)
    dark = tuple(c * (1 - vary) for c in colour)
    return s.set(Base_Color=s.mix(dirt, dark, colour), Roughness=rough, Metallic=metal, Clearcoat=clear)


def tinted(name, rough=0.8, bump=0.0, clear=0.0, metal=0.0):
    """Takes its colour from the object, so that meshes can be shared."""
    s = Shader(name)
    colour = s.node("ObjectInfo", out="Color")
    n = s.noise(s.local(), 30 if bump else 3, 5)
    shade = s.mix(s.math("MULTIPLY", n, 0.3), colour, (0.02, 0.02, 0.02))
    return s.set(Base_Color=shade, Roughness=rough, Clearcoat=clear, Metallic=metal,
                 **({"bump": n, "strength": bump} if bump else {}))


def lamp(name, colour, strength):
    return Shader(name).set(Base_Color=colour, Emission=colour, Emission_Strength=strength, Roughness=0.3)


def brick(name, a, b, mortar, width=0.225, height=0.075, joint=0.01):
    s = Shader(name)
    pos = s.position()
    tex = s.node("TexBrick", {"Vector": s.plane(pos, True), "Color1": a, "Color2": b, "Mortar": mortar, "Scale": 1.0,
                              "Mortar Size": joint, "Brick Width": width, "Row Height": height, "Bias": 0.0}).node
    grime = s.mix(s.math("MULTIPLY", s.noise(pos, 0.5, 8), 0.6), tex.outputs["Color"], (0.5, 0.47, 0.43), "MULTIPLY")
    return s.set(Base_Color=grime, Roughness=0.9, bump=s.math("SUBTRACT", 1.0, tex.outputs["Fac"]), distance=0.01)


def plaster(name, colour):
    s = Shader(name)
    pos = s.position()
    streak = s.noise(s.node("VectorMath", {0: pos, 1: (1.6, 1.6, 0.25)}, operation="MULTIPLY"), 1.0, 8)
    dirty = s.mix(s.math("MULTIPLY", streak, 0.5), colour, tuple(c * 0.62 for c in colour))
    return s.set(Base_Color=dirty, Roughness=0.85, bump=s.noise(pos, 60, 4), strength=0.1)


def glass(name, tint):
    """Opaque window glass: dark rooms, reflecting the street."""
    s = Shader(name)
    pos = s.position()
    room = s.noise(pos, 0.9, 3)
    return s.set(Base_Color=s.mix(room, tint, tuple(c * 3.5 + 0.01 for c in tint)), Roughness=0.04, Specular=0.8,
                 bump=s.noise(pos, 0.7, 2), strength=0.02, distance=0.1)


def asphalt():
    s = Shader("asphalt")
    pos = s.position()
    grain, patch = s.noise(pos, 90, 6), s.noise(pos, 0.35, 7)
    x = s.node("SeparateXYZ", {0: pos})
    track = s.math("ABSOLUTE", s.math("SINE", s.math("MULTIPLY", x, math.pi / 1.5)))
    base = s.mix(grain, (0.050, 0.051, 0.055), (0.125, 0.125, 0.128))
    base = s.mix(s.math("MULTIPLY", patch, 0.55), base, (0.055, 0.055, 0.058))
    base = s.mix(s.math("MULTIPLY", track, 0.22), base, (0.17, 0.165, 0.16))
    warp = s.mix(0.25, pos, s.node("TexNoise", {"Vector": pos, "Scale": 0.8, "Detail": 5.0}, out="Color"), "ADD")
    edge = s.node("TexVoronoi", {"Vector": warp, "Scale": 0.16}, feature="DISTANCE_TO_EDGE")
    crack = s.node("MapRange", {0: edge, 1: 0.001, 2: 0.003, 3: 0.45, 4: 0.0})
    return s.set(Base_Color=s.mix(crack, base, (0.02, 0.02, 0.02)), Roughness=0.78, Specular=0.35,
                 bump=s.math("SUBTRACT", grain, crack), strength=0.35, distance=0.008)


def slabs():
    s = Shader("slabs")
    pos = s.position()
    tex = s.node("TexBrick", {"Vector": s.plane(pos, False), "Color1": (0.30, 0.285, 0.26), "Color2": (0.21, 0.205, 0.195),
                              "Mortar": (0.07, 0.068, 0.06), "Scale": 1.0, "Mortar Size": 0.012, "Brick Width": 0.75,
                              "Row Height": 0.6}).node
    stain = s.mix(s.math("MULTIPLY", s.noise(pos, 1.3, 9), 0.65), tex.outputs["Color"], (0.5, 0.48, 0.45), "MULTIPLY")
    return s.set(Base_Color=stain, Roughness=0.85, bump=s.math("SUBTRACT", 1.0, tex.outputs["Fac"]), distance=0.01)


def road_paint(name, colour):
    s = Shader(name)
    worn = s.noise(s.position(), 14, 9, 0.34, 0.50)
    return s.set(Base_Color=s.mix(worn, (0.12, 0.12, 0.12), colour), Roughness=0.7)


def roof_tiles(name, a, b):
    s = Shader(name)
    pos = s.position()
    tex = s.node("TexBrick", {"Vector": s.plane(pos, True), "Color1": a, "Color2": b, "Mortar": (0.02, 0.02, 0.02),
                              "Scale": 1.0, "Mortar Size": 0.012, "Brick Width": 0.28, "Row Height": 0.16}).node
    return s.set(Base_Color=s.mix(s.noise(pos, 0.8, 8), tex.outputs["Color"], (0.09, 0.09, 0.075)), Roughness=0.7,
                 bump=s.math("SUBTRACT", 1.0, tex.outputs["Fac"]))


def leaves(name, dark, light):
    s = Shader(name)
    colour = s.mix(s.noise(s.position(), 1.7, 6), dark, light)
    s.set(Base_Color=colour, Roughness=0.55, Specular=0.3)
    through = s.node("BsdfTranslucent", {"Color": s.mix(0.5, colour, (0.16, 0.22, 0.03))})
    both = s.node("MixShader", {0: 0.35, 1: s.bsdf.outputs[0], 2: through})
    s.tree.links.new(both, s.tree.nodes["Material Output"].inputs[0])
    return s.mat


def make_materials():
    m = {
        "asphalt": asphalt(), "repair": plain("repaired asphalt", (0.096, 0.096, 0.099), 0.85, vary=0.5, scale=60), "slabs": slabs(),
        "white": road_paint("white paint", (0.62, 0.62, 0.6)), "yellow": road_paint("yellow paint", (0.55, 0.38, 0.05)),
        "kerb": plain("kerb", (0.32, 0.31, 0.29), 0.85, vary=0.4, scale=2), "soil": plain("soil", (0.06, 0.05, 0.03), 1),
        "frame": plain("white frame", (0.62, 0.61, 0.58), 0.4), "sill": plain("stone", (0.42, 0.39, 0.33), 0.85, scale=2),
        "dark": plain("dark metal", (0.02, 0.022, 0.022), 0.45), "steel": plain("galvanised", (0.42, 0.43, 0.44), 0.5, 0.4),
        "glass": glass("window", (0.012, 0.014, 0.017)), "shop": glass("shop window", (0.03, 0.027, 0.022)),
        "slate": roof_tiles("slate", (0.06, 0.062, 0.07), (0.10, 0.10, 0.11)),
        "tile": roof_tiles("clay tiles", (0.17, 0.07, 0.04), (0.24, 0.10, 0.06)),
        "bark": plain("bark", (0.10, 0.08, 0.06), 0.95, vary=0.6, scale=9),
        "leafA": leaves("plane leaves", (0.018, 0.045, 0.010), (0.07, 0.12, 0.025)),
        "leafB": leaves("lime leaves", (0.03, 0.06, 0.012), (0.11, 0.15, 0.03)),
        "paint": tinted("car paint", 0.3, clear=1.0, metal=0.25), "door": tinted("painted wood", 0.35), "cloth": tinted("cloth", 0.9, 0.25),
        "carglass": Shader("car glass").set(Base_Color=(0.008, 0.010, 0.012), Roughness=0.03, Specular=0.7),
        "tyre": plain("rubber", (0.014, 0.014, 0.014), 0.85), "rim": plain("rim", (0.35, 0.36, 0.37), 0.3, 0.9),
        "head": Shader("head lamp").set(Base_Color=(0.75, 0.77, 0.8), Roughness=0.08, Metallic=0.6),
        "tail": lamp("tail lamp", (0.45, 0.008, 0.008), 0.25), "plateW": plain("white plate", (0.7, 0.7, 0.66), 0.4),
        "plateY": plain("yellow plate", (0.7, 0.48, 0.03), 0.4), "red": plain("red", (0.52, 0.015, 0.02), 0.35),
        "signW": plain("sign white", (0.72, 0.72, 0.70), 0.35, vary=0.1), "signB": plain("sign blue", (0.012, 0.07, 0.38), 0.35),
        "signY": plain("sign yellow", (0.75, 0.42, 0.02), 0.35), "signG": plain("sign green", (0.01, 0.16, 0.07), 0.35),
        "lit": lamp("green light", (0.01, 0.75, 0.22), 2.2), "unlit": plain("unlit lamp", (0.03, 0.035, 0.02), 0.3),
    }
    m["walls"] = [brick("yellow stock", (0.36, 0.27, 0.16), (0.26, 0.185, 0.11), (0.30, 0.27, 0.23)),
                  brick("red brick", (0.27, 0.095, 0.055), (0.18, 0.06, 0.04), (0.28, 0.24, 0.21)),
                  brick("ashlar", (0.38, 0.33, 0.25), (0.30, 0.26, 0.20), (0.20, 0.18, 0.15), 0.75, 0.32, 0.012),
                  brick("brown brick", (0.19, 0.115, 0.07), (0.13, 0.085, 0.055), (0.24, 0.21, 0.18)),
                  plaster("cream plaster", (0.58, 0.53, 0.42)), plaster("white plaster", (0.66, 0.65, 0.61)),
                  plaster("grey plaster", (0.36, 0.37, 0.36))]
    return m


# ---------------------------------------------------------------- meshes

class Shape:
    """Collects polygons with materials and turns them into one object of one class."""

    def __init__(self):
        self.verts, self.faces, self.mats = [], [], []

    def poly(self, points, mat):
        base = len(self.verts)
        self.verts += [tuple(p) for p in points]
        self.faces.append(tuple(range(base, base + len(points))))
        self.mats.append(mat)

    def grid(self, rows, mat, close=True):
        """Quads between equally long rings; mat is a material or a function of (row, column)."""
        base, n = len(self.verts), len(rows[0])
        for row in rows:
            self.verts += [tuple(p) for p in row]
        for i in range(len(rows) - 1):
            for j in range(n if close else n - 1):
                k = (j + 1) % n
                self.faces.append((base + i * n + j, base + i * n + k, base + i * n + n + k, base + i * n + n + j))
                self.mats.append(mat(i, j) if callable(mat) else mat)

    def box(self, lo, hi, mat):
        (a, b, c), (d, e, f) = [min(p) for p in zip(lo, hi)], [max(p) for p in zip(lo, hi)]
        v = [(a, b, c), (d, b, c), (d, e, c), (a, e, c), (a, b, f), (d, b, f), (d, e, f), (a, e, f)]
        for q in ((3, 2, 1, 0), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)):
            self.poly([v[i] for i in q], mat)

    def tube(self, p, q, r0, r1, mat, n=10, flat=1.0):
        """A capped cone from p to q; flat squeezes it along y."""
        p, q = Vector(p), Vector(q)
        frame = (q - p).to_track_quat("Z", "X").to_matrix()
        rows = []
        for c, r in ((p, r0), (q, r1)):
            ring = [frame @ Vector((r * math.cos(t), r * math.sin(t), 0)) for t in (2 * math.pi * i / n for i in range(n))]
            rows.append([c + Vector((d.x, d.y * flat, d.z)) for d in ring])
        self.grid(rows, mat)
        self.poly(rows[0][::-1], mat)
        self.poly(rows[1], mat)

    def ball(self, c, r, mat, n=14):
        rx, ry, rz = r if isinstance(r, tuple) else (r, r, r)
        rows = [[(c[0] + rx * math.sin(a) * math.cos(b), c[1] + ry * math.sin(a) * math.sin(b), c[2] - rz * math.cos(a))
                 for b in (2 * math.pi * j / n for j in range(n))] for a in (0.02 + (math.pi - 0.04) * i / (n // 2) for i in range(n // 2 + 1))]
        self.grid(rows, mat)
        self.poly(rows[0][::-1], mat)
        self.poly(rows[-1], mat)

    def limb(self, points, mat, flat=1.0):
        """Tapered segments with round joints through (x, y, z, radius) points."""
        for a, b in zip(points, points[1:]):
            self.tube(a[:3], b[:3], a[3], b[3], mat, 12, flat)
        for p in points:
            self.ball(p[:3], (p[3], p[3] * flat, p[3]), mat, 12)

    def ring(self, c, radius, thick, mat, n=28, m=8):
        """A torus around the x axis (wheels)."""
        rows = []
        for i in range(n + 1):
            a = 2 * math.pi * i / n
            rows.append([(c[0] + thick * math.sin(t), c[1] + (radius + thick * math.cos(t)) * math.cos(a),
                          c[2] + (radius + thick * math.cos(t)) * math.sin(a)) for t in (2 * math.pi * j / m for j in range(m))])
        self.grid(rows, mat)

    def mesh(self, name, smooth=False):
        mesh = bpy.data.meshes.new(name)
        mesh.from_pydata(self.verts, [], self.faces)
        slots = list(dict.fromkeys(self.mats))
        for mat in slots:
            mesh.materials.append(mat)
        index = {mat: i for i, mat in enumerate(slots)}
        mesh.polygons.foreach_set("material_index", [index[m] for m in self.mats])
        mesh.polygons.foreach_set("use_smooth", [smooth] * len(self.faces))
        mesh.update()
        return mesh

    def build(self, name, cls, smooth=False, **place):
        return put(self.mesh(name, smooth), cls, **place)


def put(mesh, cls, loc=(0, 0, 0), turn=0.0, size=1.0, colour=(0.5, 0.5, 0.5)):
    obj = bpy.data.objects.new(mesh.name, mesh)
    obj.location, obj.rotation_euler, obj.scale = loc, (0, 0, turn), (size, size, size)
    obj.pass_index, obj.color = cls, (*colour, 1)
    bpy.context.scene.collection.objects.link(obj)
    return obj


def bake(obj):
    """The object's mesh after its modifiers; the object itself is removed."""
    mesh = bpy.data.meshes.new_from_object(obj.evaluated_get(bpy.context.evaluated_depsgraph_get()))
    mesh.name = obj.name
    bpy.data.objects.remove(obj)
    return mesh


def weld(shape, name, voxel=0.02, smooth=8):
    """Melts overlapping parts into one smooth skin."""
    obj = shape.build(name, VOID)
    obj.modifiers.new("remesh", "REMESH").voxel_size = voxel
    soft = obj.modifiers.new("smooth", "SMOOTH")
    soft.factor, soft.iterations = 0.5, smooth
    mesh = bake(obj)
    mesh.polygons.foreach_set("use_smooth", [True] * len(mesh.polygons))
    mesh.materials.clear()
    mesh.materials.append(shape.mats[0])
    return mesh


def text(body, size, mat, cls, matrix, depth=0.004):
    """Raised letters in Blender's own built-in font, centred on the matrix origin."""
    curve = bpy.data.curves.new(body, "FONT")
    curve.body, curve.size, curve.extrude = body, size, depth
    curve.align_x, curve.align_y = "CENTER", "CENTER"
    curve.materials.append(mat)
    obj = bpy.data.objects.new(body, curve)
    obj.matrix_world, obj.pass_index = matrix, cls
    bpy.context.scene.collection.objects.link(obj)


def facing(loc, turn):
    """Upright plane whose front looks towards -y when turn is 0."""
    return Matrix.Translation(loc) @ Matrix.Rotation(turn, 4, "Z") @ Matrix.Rotation(math.pi / 2, 4, "X")


# ---------------------------------------------------------------- ground and buildings

def ground(m):
    road = Shape()
    road.poly([(-60, -12, 0), (60, -12, 0), (60, 400, 0), (-60, 400, 0)], m["asphalt"])

    def line(x, y, width, length, mat):
        road.box((x - width / 2, y, 0.0), (x + width / 2, y + length, 0.004), mat)

    for y in range(-4, 108, 6):
        line(0, y + 1.0, 0.12, 3.6, m["white"])
    for side in (-1, 1):
        for off in (0.28, 0.5):
            line(side * (KERB - off), -8, 0.09, STREET_END, m["yellow"])
    for y in (STREET_END - 4.2, STREET_END - 3.6):
        road.box((-KERB, y, 0), (0, y + 0.3, 0.004), m["white"])
    for x, y, r in ((0.9, 7.6, 0.33), (-2.6, 15, 0.3)):
        road.tube((x, y, -0.01), (x, y, 0.005), r, r, m["dark"], 24)
    for x0, y0, x1, y1 in ((-3.0, 2.0, -2.45, 12.5), (0.7, 5.0, 2.3, 6.5), (-4.4, 24, -3.2, 60), (2.2, 15, 3.0, 34)):
        road.box((x0, y0, 0), (x1, y1, 0.003), m["repair"])
    for x in (-KERB + 0.01, KERB - 0.23):      # gully gratings
        for y in (8.6, 19, 31, 45):
            for k in range(6):
                road.box((x, y + k * 0.08, 0), (x + 0.22, y + k * 0.08 + 0.045, 0.006), m["dark"])
    road.box((-KERB + 0.6, 14.6, 0), (-0.1, 14.9, 0.004), m["white"])
    road.build("road", ROAD)
    walk = Shape()
    for s in (-1, 1):
        walk.box((s * (KERB + 0.15), -12, 0), (s * 30, STREET_END, 0.125), m["slabs"])
        for i in range(136):
            y = -12 + i * 0.915
            walk.box((s * KERB, y, -0.1), (s * (KERB + 0.15), y + 0.905, 0.13), m["kerb"])
    walk.box((-60, STREET_END + 9, 0), (60, 200, 0.125), m["slabs"])
    walk.build("pavement", PAVEMENT)


SHOPS = ["BAKERY", "BOOKS", "CAFE", "CYCLES", "CHEMIST", "FLOWERS", "TAILOR", "GROCER", "OPTICIAN", "DELI", "SHOES", "BARBER"]
TRIM = [(0.02, 0.10, 0.05), (0.25, 0.015, 0.02), (0.015, 0.03, 0.16), (0.03, 0.03, 0.032), (0.45, 0.42, 0.36), (0.02, 0.12, 0.16)]


def building(m, side, y, width, floors, wall, shop, pitched, depth=9.0):
    """One house on the street; side is -1 (left) or 1 (right). Built in (u, v, z), then mapped to x, y."""
    s, trim = Shape(), Shape()
    ground_h, floor_h = 3.5 if shop else 3.1, rng.uniform(2.75, 3.15)
    height = ground_h + floor_h * (floors - 1) + 0.55

    def at(u, d, z):           # u along the street, d into the building
        return (side * (BACK + d), y + u, z)

    def slab(u0, u1, d0, d1, z0, z1, mat, shape=s):
        shape.box(at(u0, d0, z0), at(u1, d1, z1), mat)

    bays = max(2, round(width / rng.uniform(2.2, 2.9)))
    win_w, win_h = rng.uniform(0.95, 1.25), rng.uniform(1.45, 1.75)
    bands = [(0, ground_h)] + [(ground_h + i * floor_h, ground_h + (i + 1) * floor_h) for i in range(floors - 1)]
    door_bay = rng.randrange(bays)
    for f, (z0, z1) in enumerate(bands):
        wide = shop and f == 0
        for b in range(bays):
            u0, u1 = width * b / bays, width * (b + 1) / bays
            w = (u1 - u0 - 0.35) if wide else win_w
            h0, h1 = (z0 + 0.45, z1 - 0.85) if wide else (z0 + 0.85, min(z0 + 0.85 + win_h, z1 - 0.3))
            is_door = f == 0 and b == door_bay
            if is_door:
                w, h0, h1 = 1.0, z0 + 0.12, z0 + 2.3
            a, c = (u0 + u1 - w) / 2, (u0 + u1 + w) / 2
            rec = 0.16
            for p in ([at(u0, 0, z0), at(u1, 0, z0), at(u1, 0, h0), at(u0, 0, h0)], [at(u0, 0, h1), at(u1, 0, h1), at(u1, 0, z1), at(u0, 0, z1)],
                      [at(u0, 0, h0), at(a, 0, h0), at(a, 0, h1), at(u0, 0, h1)], [at(c, 0, h0), at(u1, 0, h0), at(u1, 0, h1), at(c, 0, h1)],
                      [at(a, 0, h0), at(a, rec, h0), at(a, rec, h1), at(a, 0, h1)], [at(c, 0, h0), at(c, rec, h0), at(c, rec, h1), at(c, 0, h1)],
                      [at(a, 0, h1), at(c, 0, h1), at(c, rec, h1), at(a, rec, h1)], [at(a, 0, h0), at(c, 0, h0), at(c, rec, h0), at(a, rec, h0)]):
                s.poly(p, wall)
            pane, bar = m["shop" if wide else "glass"], m["frame"]
            if is_door:
                slab(a, c, 0.1, rec, h0, h1, m["door"], trim)
                slab(a + 0.2, c - 0.2, 0.09, 0.1, h0 + 1.2, h1 - 0.2, m["glass"])
                slab(a - 0.1, c + 0.1, -0.12, 0.02, h0 - 0.12, h0, m["sill"])
                continue
            s.poly([at(a, rec - 0.02, h0), at(c, rec - 0.02, h0), at(c, rec - 0.02, h1), at(a, rec - 0.02, h1)], pane)
            edge, fr = (0.06, s) if not wide else (0.09, trim)
            bar = m["door"] if wide else bar
            for u, v in ((a, a + edge), (c - edge, c), ((a + c - edge) / 2, (a + c + edge) / 2)):
                slab(u, v, 0.06, rec, h0, h1, bar, fr)
            for z in (h0, h1 - edge, h0 + (h1 - h0) * (0.75 if wide else 0.5)):
                slab(a, c, 0.06, rec, z, z + edge, bar, fr)
            if not wide and rng.random() < 0.45:      # a blind, partly drawn
                slab(a, c, rec - 0.05, rec - 0.03, h1 - rng.uniform(0.25, 0.8) * (h1 - h0), h1, m["sill"])
            if not wide:
                slab(a - 0.1, c + 0.1, -0.09, 0.05, h0 - 0.1, h0, m["sill"])
                slab(a - 0.12, c + 0.12, -0.025, 0.02, h1, h1 + 0.18, m["sill"])
    if shop:
        slab(0.1, width - 0.1, -0.16, 0.0, ground_h - 0.72, ground_h - 0.12, m["door"], trim)
        slab(0.05, width - 0.05, -0.26, 0.0, ground_h - 0.12, ground_h - 0.04, m["sill"])
        name = SHOPS[int(y * 7) % len(SHOPS)]
        text(name, 0.5, m["signW"], BUILDING, facing(at(width / 2, -0.17, ground_h - 0.43), side * -math.pi / 2))
        if rng.random() < 0.7:
            blade = Shape()
            blade.box(at(0.5, -0.95, ground_h), at(0.58, -0.2, ground_h + 0.75), m[rng.choice(["signB", "red", "signG", "signY"])])
            blade.build("blade sign", SIGN)
            text(rng.choice(["OPEN", "CAFE", "TEA", "BIKES"]), 0.22, m["signW"], SIGN, facing(at(0.495, -0.57, ground_h + 0.37), 0))
    top = height
    last = bands[-1][1]
    s.poly([at(0, 0, last), at(width, 0, last), at(width, 0, top), at(0, 0, top)], wall)
    for u in (0, width):
        s.poly([at(u, 0, 0), at(u, depth, 0), at(u, depth, top), at(u, 0, top)], wall)
    s.poly([at(0, depth, 0), at(width, depth, 0), at(width, depth, top), at(0, depth, top)], wall)
    slab(-0.03, width + 0.03, -0.22, 0.1, top - 0.22, top, m["sill"])
    slab(width - 0.18, width - 0.08, -0.1, 0.0, 0.1, top, m["dark"])       # drain pipe
    if pitched:
        rise, over, tile = 2.6, 0.3, m[rng.choice(["slate", "slate", "tile"])]
        for d0, d1 in ((-over, depth / 2), (depth + over, depth / 2)):
            s.poly([at(-0.05, d0, top), at(width + 0.05, d0, top), at(width + 0.05, d1, top + rise), at(-0.05, d1, top + rise)], tile)
        for u in (0, width):
            s.poly([at(u, 0, top), at(u, depth, top), at(u, depth / 2, top + rise)], wall)
        for u in (0.1, width - 0.9):
            slab(u, u + 0.8, depth / 2 - 0.9, depth / 2 - 0.2, top + rise - 0.9, top + rise + 0.9, wall)
            for k in range(3):
                p = at(u + 0.17 + k * 0.23, depth / 2 - 0.55, top + rise + 0.9)
                s.tube(p, (p[0], p[1], p[2] + 0.4), 0.1, 0.085, m["tile"])
    else:
        slab(0, width, 0.05, 0.3, top, top + 0.7, wall)
        slab(0, width, 0.0, 0.36, top + 0.7, top + 0.8, m["sill"])
        s.poly([at(0, 0.3, top), at(width, 0.3, top), at(width, depth, top), at(0, depth, top)], m["slate"])
    s.build("house", BUILDING)
    trim.build("joinery", BUILDING, colour=rng.choice(TRIM))


def houses(m):
    last, count = None, 0
    for side, spans in ((-1, ((-6, 17.5), (37, STREET_END))), (1, ((-6, 52), (63, STREET_END)))):
        for start, end in spans:
            y = start
            while y < end - 4:
                count += 1
                rng.seed(500 + count)      # every house has its own stream, so one can change alone
                width = min(rng.uniform(6.0, 10.5), end - y)
                if end - y - width < 5:
                    width = end - y
                wall = rng.choice([w for w in m["walls"][:4 if y == start else None] if w is not last])
                last = wall
                building(m, side, y, width, rng.choice([2, 3, 3, 3, 4]), wall, y < 20 or rng.random() < 0.6, rng.random() < 0.7)
                y += width
    far = Shape()
    for i in range(9):          # the houses that close the street behind the junction
        x, h = -60 + i * 13.3, rng.uniform(7, 10)
        wall = m["walls"][i % 7]
        far.box((x, STREET_END + 16, 0), (x + 13.2, STREET_END + 26, h), wall)
        far.poly([(x, STREET_END + 15.7, h), (x + 13.2, STREET_END + 15.7, h), (x + 13.2, STREET_END + 21, h + 3), (x, STREET_END + 21, h + 3)], m["slate"])
        for k in range(5):
            for z in (1.0, 4.0):
                far.box((x + 1 + k * 2.5, STREET_END + 15.9, z), (x + 2.2 + k * 2.5, STREET_END + 16, z + 1.7), m["glass"])
    far.build("far houses", BUILDING)


# ---------------------------------------------------------------- trees, street furniture, fences

def leaf_cloud(shape, centre, radius, count, mat, size):
    for _ in range(count):
        off = Vector([rng.gauss(0, 0.5) for _ in range(3)]) * radius
        rot = Matrix.Rotation(rng.uniform(0, 6.3), 3, "Z") @ Matrix.Rotation(rng.uniform(-1.2, 1.2), 3, "X")
        k = size * rng.uniform(0.7, 1.3)
        c = Vector(centre) + off
        shape.poly([c + rot @ Vector(p) * k for p in ((0, -1, 0), (0.55, -0.1, 0.12), (0, 1, 0), (-0.55, -0.1, 0.12))], mat)


def tree_mesh(m, leaf, height, spread, leaf_count):
    """A branching trunk whose outer twigs carry balls of leaves; about 120 twigs."""
    s = Shape()
    twigs = []

    def grow(p, direction, length, radius, level):
        q = p + direction * length
        s.tube(p, q, radius, radius * 0.68, m["bark"], 9 if level < 2 else 5)
        if level >= 2:
            twigs.append(p.lerp(q, rng.uniform(0.5, 1.0)))
        if level == 4:
            return
        forks = 4 if level == 0 else 3
        for i in range(forks):
            turn = rng.uniform(-0.4, 0.4) + 2 * math.pi * i / forks
            tilt = rng.uniform(0.4, 0.85) * (0.3 if i == 0 else 1.0)
            side = direction.orthogonal().normalized()
            side.rotate(Matrix.Rotation(turn, 3, direction))
            d = (direction * math.cos(tilt) + side * math.sin(tilt) * spread + Vector((0, 0, 0.16))).normalized()
            grow(q, d, length * rng.uniform(0.62, 0.82) * (0.75 if level == 0 else 1), radius * 0.6, level + 1)

    grow(Vector((0, 0, 0)), Vector((0, 0, 1)), height * 0.28, 0.17, 0)
    for q in twigs:
        leaf_cloud(s, q, rng.uniform(0.45, 0.9), leaf_count // len(twigs), leaf, 0.10)
    return s.mesh("tree")


def planting(m):
    rng.seed("planting")
    kinds = [tree_mesh(m, m["leafA"], 8.0, 0.9, 26000), tree_mesh(m, m["leafB"], 7.5, 0.75, 24000), tree_mesh(m, m["leafA"], 9.0, 1.0, 30000)]
    for x, y, kind, size in ((-10.2, 21, 2, 1.05), (-11.5, 27, 0, 1.25), (-10.5, 33, 1, 1.1), (-15, 24, 0, 1.4), (-16, 31, 2, 1.3),
                             (5.9, 29, 1, 0.85), (5.9, 43, 0, 0.8), (-5.9, 47, 1, 0.8), (5.9, 58, 2, 0.8), (-5.9, 64, 0, 0.85), (10.5, 55, 0, 1.2),
                             (11.0, 60, 2, 1.2), (5.9, 76, 1, 1.0), (-5.9, 80, 2, 0.9), (-9, 124, 2, 1.5), (-2, 125, 0, 1.5), (5, 124, 1, 1.7),
                             (12, 124, 2, 1.4), (-17, 124, 1, 1.7), (20, 124, 0, 1.7)):
        put(kinds[kind], TREE, loc=(x, y, 0.1), turn=rng.uniform(0, 6.3), size=size)
    hedge, soil = Shape(), Shape()
    for y0, y1, x, z in ((17.6, 36.8, -10.2, 1.5), (52.2, 62.8, 9.6, 1.5)):
        for _ in range(int(6500 * (y1 - y0) / 19)):
            p = (x + rng.uniform(-0.45, 0.45), rng.uniform(y0, y1), rng.uniform(0.1, z) + 0.12 * rng.random())
            leaf_cloud(hedge, p, 0.12, 2, m["leafB"], 0.07)
        soil.box((x - 0.35, y0, 0.1), (x + 0.35, y1, z - 0.2), m["soil"])
    hedge.build("hedge", TREE)
    soil.build("hedge core", TREE)


def fences(m):
    rail = Shape()             # guard railing along the right kerb
    x, y0, y1, step = KERB + 0.32, 14.5, 30.5, 2.0
    for i in range(int((y1 - y0) / step) + 1):
        y = y0 + i * step
        rail.box((x - 0.035, y - 0.035, 0.1), (x + 0.035, y + 0.035, 1.22), m["dark"])
    for z in (0.25, 1.12):
        rail.box((x - 0.022, y0, z), (x + 0.022, y1, z + 0.05), m["dark"])
    for i in range(int((y1 - y0) / 0.085)):
        y = y0 + i * 0.085
        rail.tube((x, y, 0.27), (x, y, 1.14), 0.012, 0.012, m["dark"], 6)
    rail.build("guard railing", FENCE)
    iron = Shape()             # railings of the two small parks
    for y0, y1, x in ((17.6, 36.8, -BACK), (52.2, 62.8, BACK)):
        for i in range(int((y1 - y0) / 0.11)):
            y = y0 + i * 0.11
            iron.tube((x, y, 0.12), (x, y, 1.45), 0.012, 0.012, m["dark"], 6)
            iron.tube((x, y, 1.45), (x, y, 1.56), 0.022, 0.002, m["dark"], 6)
            if i % 22 == 0:
                iron.box((x - 0.05, y - 0.05, 0.1), (x + 0.05, y + 0.05, 1.65), m["dark"])
        for z in (0.3, 1.3):
            iron.box((x - 0.018, y0, z), (x + 0.018, y1, z + 0.045), m["dark"])
    iron.build("park railings", FENCE)


def furniture(m):
    rng.seed("furniture")
    pole, sign = Shape(), Shape()

    def lamp_post(x, y, h=7.5):
        s = 1 if x < 0 else -1
        pole.tube((x, y, 0.1), (x, y, 1.5), 0.11, 0.10, m["steel"], 14)
        pole.tube((x, y, 1.5), (x, y, h), 0.075, 0.05, m["steel"], 12)
        pts = [(x + s * 1.5 * math.sin(t), y, h + 0.55 * (1 - math.cos(t))) for t in (i * math.pi / 12 for i in range(7))]
        for p, q in zip(pts, pts[1:]):
            pole.tube(p, q, 0.04, 0.04, m["steel"])
        e = pts[-1]
        pole.box((e[0] - 0.1, y - 0.13, e[2] - 0.07), (e[0] + s * 0.65, y + 0.13, e[2] + 0.07), m["steel"])
        pole.box((e[0], y - 0.1, e[2] - 0.1), (e[0] + s * 0.55, y + 0.1, e[2] - 0.07), m["frame"])

    def disc(x, y, z, r, rim, face, n=40, start=0.0):
        for k, (rr, mat) in enumerate(((r, rim), (r * 0.8, face))):
            c = [(x + rr * math.sin(start + 2 * math.pi * i / n), y - 0.05 - 0.004 * k, z + rr * math.cos(start + 2 * math.pi * i / n)) for i in range(n)]
            sign.poly(c, mat)
        sign.tube((x, y - 0.049, z), (x, y - 0.03, z), r, r, m["steel"], n) if n > 3 else None

    def sign_post(x, y, h):
        pole.tube((x, y, 0.1), (x, y, h), 0.038, 0.038, m["steel"])

    def plate(x, y, z, w, h, mat, words, size=0.2):
        sign.box((x - w / 2, y - 0.06, z - h / 2), (x + w / 2, y - 0.04, z + h / 2), m["signW"])
        sign.box((x - w / 2 + 0.025, y - 0.064, z - h / 2 + 0.025), (x + w / 2 - 0.025, y - 0.05, z + h / 2 - 0.025), mat)
        for i, word in enumerate(words):
            text(word, size, m["signW"], SIGN, facing((x, y - 0.066, z + ((len(words) - 1) / 2 - i) * size * 1.25), 0))

    def traffic_light(x, y):
        pole.tube((x, y, 0.1), (x, y, 3.5), 0.06, 0.06, m["dark"], 14)
        sign.box((x - 0.25, y - 0.1, 2.25), (x + 0.25, y - 0.085, 3.5), m["dark"])
        sign.box((x - 0.25, y - 0.103, 2.25), (x + 0.25, y - 0.1, 2.28), m["signW"])
        sign.box((x - 0.17, y - 0.3, 2.35), (x + 0.17, y - 0.1, 3.4), m["dark"])
        for z, mat in ((3.2, m["unlit"]), (2.87, m["unlit"]), (2.54, m["lit"])):
            sign.tube((x, y - 0.3, z), (x, y - 0.31, z), 0.115, 0.115, mat, 24)
            sign.grid([[(x + 0.13 * math.cos(t), yy, z + 0.13 * math.sin(t)) for t in (math.pi * (i / 10 * 1.3 - 0.15) for i in range(11))]
                       for yy in (y - 0.3, y - 0.5)], m["dark"], close=False)

    for x, y in ((-5.45, 14.5), (5.45, 33), (-5.45, 42), (5.45, 62), (-5.45, 72), (5.45, 92), (-5.45, 100)):
        lamp_post(x, y)
    sign_post(5.45, 13.6, 3.0)
    disc(5.45, 13.6, 2.6, 0.40, m["red"], m["signW"])
    text("30", 0.42, m["dark"], SIGN, facing((5.45, 13.54, 2.6), 0))
    sign_post(-5.5, 20.5, 3.4)
    disc(-5.5, 20.5, 2.95, 0.55, m["red"], m["signW"], 3)
    text("!", 0.5, m["dark"], SIGN, facing((-5.5, 20.44, 2.93), 0))
    plate(-5.5, 20.5, 2.35, 0.8, 0.45, m["signW"], [])
    for dx in (-0.5, 0.5):
        sign_post(-5.65 + dx, 29, 3.4)
    plate(-5.65, 29, 2.9, 1.9, 1.25, m["signG"], ["CENTRE", "STATION", "PARK"], 0.27)
    traffic_light(5.45, 19.0)
    traffic_light(-5.45, 52.0)
    sign_post(5.5, 39, 3.2)
    disc(5.5, 39, 2.7, 0.4, m["signB"], m["signB"])
    for y in (8.2, 9.7, 11.2, 35.5, 37, 38.5):
        pole.tube((KERB + 0.45, y, 0.1), (KERB + 0.45, y, 1.05), 0.075, 0.06, m["dark"], 14)
        pole.ball((KERB + 0.45, y, 1.07), 0.075, m["dark"])
    pole.build("poles", POLE)
    sign.build("signs", SIGN)
    box = Shape()              # pillar box and litter bin: neither belongs to a class
    box.tube((-7.7, 17.3, 0.1), (-7.7, 17.3, 1.45), 0.24, 0.24, m["red"], 24)
    box.ball((-7.7, 17.3, 1.45), (0.28, 0.28, 0.14), m["red"], 20)
    box.tube((7.6, 24, 0.1), (7.6, 24, 1.0), 0.25, 0.27, m["dark"], 20)
    box.build("pillar box", VOID)


# ---------------------------------------------------------------- cars

# One line per cross-section from the tail to the nose:
# y, underside, waist, top, half width low, at the waist, at the top; the numbers after it are glass flags
# (side, top) for the strip to the next cross-section.
BODIES = {
    "hatch": [(-2.02, .42, .74, .78, .70, .72, .60, 0, 0), (-1.97, .27, .86, .93, .80, .80, .66, 0, 0), (-1.90, .25, .95, 1.02, .84, .82, .66, 0, 1),
              (-1.52, .23, .97, 1.40, .86, .84, .60, 0, 0), (-1.30, .22, .97, 1.44, .86, .85, .60, 1, 0), (-.34, .20, .95, 1.48, .87, .86, .61, 0, 0),
              (-.24, .20, .95, 1.48, .87, .86, .61, 1, 0), (.35, .20, .94, 1.44, .87, .86, .59, 1, 1), (1.12, .20, .91, .98, .87, .85, .66, 0, 0),
              (1.55, .21, .84, .90, .86, .83, .62, 0, 0), (1.88, .25, .72, .77, .82, .79, .58, 0, 0), (2.02, .34, .56, .60, .70, .68, .5, 0, 0)],
    "saloon": [(-2.25, .42, .76, .80, .70, .72, .60, 0, 0), (-2.20, .28, .86, .92, .80, .80, .64, 0, 0), (-2.10, .25, .93, .98, .85, .82, .66, 0, 0),
               (-1.62, .23, .95, 1.01, .86, .84, .66, 0, 1), (-.98, .22, .95, 1.37, .87, .85, .57, 0, 0), (-.84, .21, .95, 1.40, .87, .86, .58, 1, 0),
               (-.22, .20, .94, 1.44, .87, .86, .59, 0, 0), (-.12, .20, .94, 1.44, .87, .86, .59, 1, 0), (.42, .20, .93, 1.40, .87, .86, .58, 1, 1),
               (1.18, .20, .90, .95, .87, .85, .66, 0, 0), (1.75, .21, .82, .87, .86, .83, .62, 0, 0), (2.12, .25, .70, .75, .82, .79, .58, 0, 0),
               (2.25, .34, .56, .60, .70, .68, .5, 0, 0)],
    "van": [(-2.40, .40, 1.0, 1.90, .84, .86, .74, 0, 0), (-2.36, .30, 1.05, 2.0, .90, .90, .78, 0, 0), (-2.30, .28, 1.1, 2.05, .92, .92, .80, 0, 0),
            (0.30, .24, 1.1, 2.05, .93, .93, .80, 0, 0), (.40, .24, 1.1, 2.05, .93, .93, .80, 1, 0), (1.05, .23, 1.1, 1.98, .93, .92, .78, 1, 1),
            (1.75, .23, 1.08, 1.16, .92, .90, .74, 0, 0), (2.15, .26, .90, .98, .88, .86, .70, 0, 0), (2.32, .36, .62, .68, .78, .76, .6, 0, 0)],
}


def car_mesh(m, kind):
    st = BODIES[kind]
    rows = []
    for y, zb, zw, zt, wl, ww, wt, *_ in st:
        half = [(0, zb), (wl * .9, zb), (wl, zb + .12), (wl * 1.01, zb + (zw - zb) * .62), (ww, zw), (wt, zt - .035), (wt * .62, zt), (0, zt + .012)]
        rows.append([(x, y, z) for x, z in half] + [(-x, y, z) for x, z in half[-2:0:-1]])
    ring = len(rows[0])

    def skin(i, j):
        j = min(j, ring - 1 - j)
        return m["carglass"] if (j == 4 and st[i][7]) or (j >= 5 and st[i][8]) else m["paint"]

    body = Shape()
    body.grid(rows, skin)
    body.poly(rows[0], m["paint"])
    body.poly(rows[-1][::-1], m["paint"])
    obj = body.build(kind, CAR, smooth=True)
    sub = obj.modifiers.new("subsurf", "SUBSURF")
    sub.levels = sub.render_levels = 2
    mesh = bake(obj)
    bm = bmesh.new()
    bm.from_mesh(mesh)
    bmesh.ops.recalc_face_normals(bm, faces=bm.faces)
    bm.to_mesh(mesh)
    tail, nose = st[0][0], st[-1][0]
    axles = (tail + (.82 if kind != "van" else 1.05), nose - .78)
    wells = Shape()
    for y in axles:
        for s in (-1, 1):
            wells.tube((s * .60, y, .33), (s * 1.2, y, .33), .37, .37, m["tyre"], 32)
    mesh.materials.append(m["tyre"])
    cut, solid = wells.build("wells", VOID), put(mesh, CAR)
    mod = solid.modifiers.new("cut", "BOOLEAN")
    mod.operation, mod.object, mod.solver = "DIFFERENCE", cut, "EXACT"
    shell = bake(solid)
    bpy.data.objects.remove(cut)
    p = Shape()                 # everything bolted on
    for y in axles:
        for s in (-1, 1):
            p.ring((s * .76, y, .31), .245, .075, m["tyre"], 28, 10)
            p.tube((s * .70, y, .31), (s * .815, y, .31), .20, .19, m["rim"], 24)
            p.tube((s * .81, y, .31), (s * .825, y, .31), .06, .05, m["dark"], 12)
            for k in range(5):
                t = 2 * math.pi * k / 5
                p.tube((s * .817, y + .125 * math.cos(t), .31 + .125 * math.sin(t)), (s * .822, y + .125 * math.cos(t), .31 + .125 * math.sin(t)), .042, .042, m["dark"], 8)
    zt, zn = st[1][2], st[-2][2]
    w = st[1][5]
    for s in (-1, 1):
        high = .55 if kind == "van" else .12
        p.ball((s * (w - .10), tail + .115, zt - .05 + high / 4), (.115, .075, high), m["tail"])
        p.ball((s * (st[-2][5] - .16), nose - .10, zn - .07), (.18, .13, .075), m["head"])
        mirror = next(i for i, r in enumerate(st) if r[7] and r[8])
        p.ball((s * (st[mirror][5] + .10), st[mirror][0] + .45, st[mirror][2] + .08), (.11, .06, .07), m["dark"])
        i = mirror
        p.tube((s * (st[i][6] - .02), st[i][0], st[i][3] - .04), (s * (st[i + 1][5] - .05), st[i + 1][0] - .02, st[i + 1][2] + .02), .03, .035, m["dark"], 8)
        for y in (-1.0, .05, 1.05):        # door gaps and handles
            p.box((s * .84, y, .36), (s * (st[4][4] * 1.01 + .002), y + .012, .74), m["dark"])
            p.box((s * .82, y + .1, .76), (s * (st[4][4] + .012), y + .28, .79), m["dark"]) if y < 1 else None
    p.box((-.36, tail - .010, .57), (.36, tail + .06, .74), m["dark"])
    p.box((-.26, tail - .018, .60), (.26, tail + .06, .71), m["plateY"])
    p.ball((0, tail + .03, zt - .01), (.045, .02, .03), m["rim"])
    p.tube((.45, tail - .04, .27), (.45, tail + .3, .27), .03, .03, m["dark"], 12)
    p.box((-.26, nose - .06, .36), (.26, nose + .01, .47), m["plateW"])
    p.box((-.40, nose - .12, .50), (.40, nose - .01, .56), m["dark"])
    p.box((-.76, tail - .01, .36), (.76, tail + .12, .45), m["dark"])
    p.box((-.60, nose - .14, .26), (.60, nose - .03, .34), m["dark"])
    return shell, p.mesh("car parts", smooth=False)


def traffic(m):
    rng.seed("traffic")
    kinds = {k: car_mesh(m, k) for k in BODIES}
    silver, black, blue, red, white, green, grey = ((.42, .43, .44), (.012, .012, .014), (.02, .05, .17), (.30, .015, .015),
                                                    (.70, .70, .68), (.02, .08, .05), (.12, .125, .13))
    for kind, x, y, away, colour in (("hatch", -1.35, 18.5, 1, silver), ("saloon", 1.95, 23.0, 0, blue), ("hatch", -4.0, 12.8, 1, red),
                                     ("saloon", -3.95, 20.5, 1, black), ("hatch", -3.95, 36, 1, white), ("saloon", -3.95, 42, 1, grey), ("hatch", 4.0, 36.5, 0, grey),
                                     ("van", 4.0, 43, 0, white), ("saloon", 4.0, 49.5, 0, silver), ("hatch", 4.0, 56, 0, red), ("van", -1.6, 52, 1, white),
                                     ("hatch", 1.7, 39, 0, black), ("saloon", 1.7, 66, 0, green), ("hatch", -3.95, 70, 1, blue), ("saloon", 4.0, 72, 0, blue)):
        turn = (0 if away else math.pi) + rng.uniform(-.015, .015)
        for mesh in kinds[kind]:
            put(mesh, CAR, loc=(x, y, 0), turn=turn, colour=colour)


# ---------------------------------------------------------------- people

SKIN_TONES = [(.42, .26, .18), (.20, .11, .07), (.48, .31, .23), (.33, .19, .12)]


def figure(m, cls, joints, top, bottom, hair, tone, loc, turn, size=1.0, skirt=False):
    """A clothed body from joint positions: hips, knees, feet, shoulders, elbows, hands (left, right), chest, neck, head."""
    j = {k: Vector(v) for k, v in joints.items()}
    cloth = m["cloth"]

    def r(name, radius):
        return (*j[name], radius)

    legs, coat, flesh, crown, shoes, face = (Shape() for _ in range(6))
    for s in "LR":
        legs.limb([r("hip" + s, .105), r("knee" + s, .075), r("foot" + s, .055)], cloth)
        coat.limb([r("shoulder" + s, .075), r("elbow" + s, .058), r("hand" + s, .045)], cloth)
        flesh.ball(j["hand" + s] - Vector((0, 0, .05)), (.035, .045, .065), cloth, 10)
        f = j["foot" + s]
        shoes.ball(f + Vector((0, .06, -.05)), (.05, .14, .05), cloth, 12)
    pelvis = (j["hipL"] + j["hipR"]) / 2
    legs.ball(pelvis, (.17, .12, .12), cloth)
    if skirt:
        legs.tube(pelvis + Vector((0, 0, -.42)), pelvis, .22, .14, cloth, 16, .75)
    mid = pelvis.lerp(j["chest"], .45)
    for a, b, p, q in ((pelvis - Vector((0, 0, .12)), mid, .195, .16), (mid, j["chest"], .16, .19), (j["chest"], j["neck"], .19, .07)):
        coat.tube(a, b, p, q, cloth, 18, .70)
    coat.ball(j["chest"], (.20, .125, .16), cloth)
    coat.tube(j["shoulderL"], j["shoulderR"], .07, .07, cloth)
    flesh.tube(j["neck"] - Vector((0, 0, .06)), j["head"], .055, .055, cloth)
    flesh.ball(j["head"], (.078, .095, .115), cloth)
    flesh.ball(j["head"] + Vector((0, .095, -.02)), (.016, .022, .022), cloth, 8)
    crown.ball(j["head"] + Vector((0, -.028, .035)), (.088, .095, .10), cloth)
    for x in (-1, 1):
        face.ball(j["head"] + Vector((x * .031, .083, .012)), (.015, .012, .008), cloth, 8)
        face.ball(j["head"] + Vector((x * .031, .086, .034)), (.020, .008, .005), cloth, 8)
    face.ball(j["head"] + Vector((0, .086, -.062)), (.026, .010, .006), cloth, 8)
    face.build("face", cls, smooth=True, loc=loc, turn=turn, size=size, colour=(.05, .02, .015))
    for shape, name, colour, voxel in ((legs, "trousers", bottom, .022), (coat, "coat", top, .022), (flesh, "skin", tone, .014),
                                       (crown, "hair", hair, .016), (shoes, "shoes", (.02, .018, .016), .018)):
        put(weld(shape, name, voxel), cls, loc=loc, turn=turn, size=size, colour=colour)


def walker(step, arm=1.0):
    """Joints of a walking adult facing +y; step is the stride, negative swaps the legs."""
    a = abs(step)
    s, o = ("R", "L") if step > 0 else ("L", "R")
    x = {"R": 1, "L": -1}
    j = {"chest": (0, .02, 1.32), "neck": (0, .02, 1.50), "head": (0, .05, 1.64)}
    for k in "LR":
        j["hip" + k], j["shoulder" + k] = (x[k] * .09, 0, .90), (x[k] * .185, .01, 1.41)
    j["knee" + s], j["foot" + s] = (x[s] * .09, .26 * a, .50), (x[s] * .09, .40 * a, .10)
    j["knee" + o], j["foot" + o] = (x[o] * .09, .04 * a, .48), (x[o] * .09, -.42 * a, .10 + .12 * a)
    for k, d in ((s, -1), (o, 1)):
        j["elbow" + k], j["hand" + k] = (x[k] * .25, d * .13 * a * arm - .03, 1.13), (x[k] * .25, d * .26 * a * arm + .06, .90)
    return j


def rider():
    return {"hipL": (-.09, -.24, .98), "hipR": (.09, -.24, .98), "kneeL": (-.11, .16, .92), "kneeR": (.11, .07, .66), "footL": (-.11, .0, .53),
            "footR": (.11, -.06, .22), "chest": (0, .0, 1.36), "neck": (0, .10, 1.53), "head": (0, .16, 1.67), "shoulderL": (-.185, .07, 1.45),
            "shoulderR": (.185, .07, 1.45), "elbowL": (-.26, .20, 1.20), "elbowR": (.26, .20, 1.20), "handL": (-.25, .42, 1.08), "handR": (.25, .42, 1.08)}


def bicycle(m, colour, loc, turn):
    b = Shape()
    for y in (-.52, .52):
        b.ring((0, y, .34), .32, .022, m["tyre"])
        b.ring((0, y, .34), .29, .010, m["rim"], 28, 6)
        for k in range(14):
            t = 2 * math.pi * k / 14
            b.tube((0, y, .34), (0, y + .3 * math.cos(t), .34 + .3 * math.sin(t)), .0025, .0025, m["rim"], 4)
        for k in range(9):      # mudguard
            t = math.pi * (.15 + .75 * k / 9)
            u = math.pi * (.15 + .75 * (k + 1) / 9)
            b.tube((0, y - .37 * math.cos(t), .34 + .37 * math.sin(t)), (0, y - .37 * math.cos(u), .34 + .37 * math.sin(u)), .025, .025, m["dark"], 6)
    bb, seat, head, fork = (0, -.06, .30), (0, -.22, .92), (0, .36, .94), (0, .39, .74)
    for p, q, r in ((bb, seat, .019), (bb, fork, .021), (seat, head, .018), (head, fork, .02)):
        b.tube(p, q, r, r, m["paint"], 10)
    for x in (-.045, .045):
        for p, q in ((bb, (0, -.52, .34)), ((0, -.19, .82), (0, -.52, .34)), (fork, (0, .52, .34))):
            b.tube((x * .3, *p[1:]), (x, *q[1:]), .012, .011, m["paint"], 8)
    b.tube(head, (0, .37, 1.05), .014, .014, m["rim"])
    b.tube((-.29, .42, 1.06), (.29, .42, 1.06), .014, .014, m["dark"])
    b.ball((0, -.25, .95), (.08, .14, .03), m["dark"])
    b.tube((-.13, -.06, .30), (.13, -.06, .30), .012, .012, m["rim"])
    for x, z in ((.1, .14), (-.1, .46)):
        b.tube((x, -.06, .30), (x, -.06, z), .012, .012, m["rim"])
        b.box((x - .05, -.11, z - .01), (x + .05, .0, z + .01), m["dark"])
    b.ball((0, -.92, .62), (.03, .02, .03), m["tail"])
    b.build("bicycle", BICYCLIST, loc=loc, turn=turn, colour=colour)


def people(m):
    rng.seed("people")
    navy, black, beige, red, teal, grey, denim = (.015, .02, .05), (.015, .015, .017), (.30, .23, .14), (.28, .02, .02), (.02, .12, .13), (.10, .10, .105), (.03, .05, .11)
    brown, dark = (.05, .025, .012), (.012, .009, .007)
    z = .125
    for step, top, bottom, hair, loc, turn, size, skirt in (
            (1.0, (.10, .16, .30), grey, dark, (-6.45, 11.6, z), math.pi - .05, 1.03, False), (-.9, red, black, brown, (-7.35, 12.0, z), math.pi + .05, .96, True),
            (.8, black, denim, dark, (6.5, 14.6, z), .05, 1.02, False), (-1.0, beige, black, brown, (7.3, 15.2, z), .0, .97, True),
            (.9, teal, beige, brown, (7.2, 22.5, z), math.pi, 1.0, False), (-.8, grey, navy, dark, (-6.9, 19.0, z), .1, 1.0, False),
            (1.0, black, denim, brown, (-7.0, 33.0, z), math.pi, 1.0, False), (.7, red, navy, dark, (6.9, 34.0, z), 0, 1.0, False)):
        figure(m, PEDESTRIAN, walker(step), top, bottom, hair, rng.choice(SKIN_TONES), loc, turn, size, skirt)
    for loc, turn, top, bottom, frame, hat in (((-2.55, 9.6, 0), -.03, (.45, .50, .03), black, (.30, .02, .02), (.55, .55, .53)),
                                               ((3.2, 12.6, 0), math.pi, (.03, .08, .22), beige, (.02, .10, .06), (.02, .02, .02)),
                                               ((-2.9, 31, 0), 0, black, denim, (.02, .02, .1), (.3, .02, .02))):
        bicycle(m, frame, loc, turn)
        figure(m, BICYCLIST, rider(), top, bottom, hat, rng.choice(SKIN_TONES), loc, turn)


# ---------------------------------------------------------------- light, camera, rendering

def sky():
    world = bpy.data.worlds.new("sky")
    bpy.context.scene.world = world
    s = Shader(world)
    air = s.node("TexSky", sky_type="NISHITA", sun_disc=False, sun_elevation=math.radians(38), sun_rotation=math.radians(205),
                 air_density=1.2, dust_density=1.2, ozone_density=1.0)
    way = s.node("TexCoord", out="Generated")
    up = s.node("SeparateXYZ", {0: way}).node.outputs[2]
    flat = s.node("VectorMath", {0: way, 1: s.node("CombineXYZ", {i: s.math("ADD", s.math("MAXIMUM", up, 0.0), 0.16) for i in range(3)})}, operation="DIVIDE")
    cover = s.noise(s.node("VectorMath", {0: flat, 1: (1.0, 0.6, 1.0)}, operation="MULTIPLY"), 1.5, 10, 0.49, 0.64)
    shade = s.noise(flat, 3.5, 6)
    cloud = s.mix(shade, (5.2, 5.5, 6.0), (12.0, 12.0, 11.8))
    veil = s.node("MapRange", {0: up, 1: 0.0, 2: 0.45, 3: 0.75, 4: 0.08})
    colour = s.mix(s.math("MULTIPLY", cover, 0.9), s.mix(veil, air, (6.8, 7.1, 7.5)), cloud)
    s.put(s.tree.nodes["Background"].inputs[0], colour)
    s.tree.nodes["Background"].inputs[1].default_value = 0.17
    light = bpy.data.lights.new("sun", "SUN")
    light.energy, light.angle, light.color = 5.0, math.radians(1.2), (1.0, 0.91, 0.77)
    sun = bpy.data.objects.new("sun", light)
    sun.rotation_euler = Vector((0.42, 0.75, -0.66)).to_track_quat("-Z", "Y").to_euler()
    bpy.context.scene.collection.objects.link(sun)


def camera():
    cam = bpy.data.cameras.new("camera")
    cam.sensor_width, cam.angle, cam.clip_end = 36, math.radians(60), 1000
    obj = bpy.data.objects.new("camera", cam)
    obj.location, obj.rotation_euler = (-1.45, 0, 1.42), (math.radians(90.8), 0, math.radians(-1.5))
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.scene.camera = obj


def look_around(view):
    """Puts camera and sun elsewhere; every number of a view has its own stream."""
    own = random.Random(f"view {view}")
    cam, sun = (bpy.data.objects[name] for name in ("camera", "sun"))
    y = own.uniform(-2, 68)
    # On the road, or now and then on a pavement.
    x = own.choice((-6.6, 6.6)) if own.random() < 0.2 else own.uniform(-3.0, 3.0)
    back = math.pi if y > 45 and own.random() < 0.7 else 0.0
    cam.location = (x, y, own.uniform(1.25, 2.1))
    cam.rotation_euler = (math.radians(own.uniform(86, 93)), 0, back + math.radians(own.uniform(-28, 28)))
    cam.data.angle = math.radians(own.uniform(48, 70))
    turn, low = own.uniform(0, 2 * math.pi), own.uniform(0.35, 0.9)
    sun.rotation_euler = Vector((math.cos(turn), math.sin(turn), -low)).to_track_quat("-Z", "Y").to_euler()
    sun.data.energy = own.choice((0.6, 2.5, 5.0, 5.0))


def haze(scene):
    """Mixes distance haze into the image, everywhere but in the sky."""
    scene.world.mist_settings.start, scene.world.mist_settings.depth, scene.world.mist_settings.falloff = 12, 260, "LINEAR"
    scene.view_layers[0].use_pass_mist = True
    scene.use_nodes = True
    t = scene.node_tree
    t.nodes.clear()
    layers, out = t.nodes.new("CompositorNodeRLayers"), t.nodes.new("CompositorNodeComposite")
    mix, amount, ground = t.nodes.new("CompositorNodeMixRGB"), t.nodes.new("CompositorNodeMath"), t.nodes.new("CompositorNodeMath")
    amount.operation, amount.inputs[1].default_value = "MULTIPLY", 0.45
    ground.operation, ground.inputs[1].default_value = "LESS_THAN", 0.98
    both = t.nodes.new("CompositorNodeMath")
    both.operation = "MULTIPLY"
    mix.inputs[2].default_value = (0.62, 0.68, 0.76, 1)
    for a, b in ((layers.outputs["Mist"], amount.inputs[0]), (layers.outputs["Mist"], ground.inputs[0]), (amount.outputs[0], both.inputs[0]),
                 (ground.outputs[0], both.inputs[1]), (both.outputs[0], mix.inputs[0]), (layers.outputs["Image"], mix.inputs[1]), (mix.outputs[0], out.inputs[0])):
        t.links.new(a, b)


def pixels(path):
    """An image file as a top-down (height, width, 4) float array."""
    image = bpy.data.images.load(path)
    w, h = image.size
    data = np.empty(w * h * 4, np.float32)
    image.pixels.foreach_get(data)
    bpy.data.images.remove(image)
    return data.reshape(h, w, 4)[::-1]


def develop(raw, target, scene):
    """Lens and sensor: slight softness at the pixel, vignette, grain; saved as JPEG."""
    rgb = pixels(raw)[..., :3]
    h, w = rgb.shape[:2]
    y, x = np.mgrid[0:h, 0:w]
    rgb = rgb * (1 - 0.16 * (((x / w - .5) ** 2 + (y / h - .5) ** 2) / .5) ** 1.3)[..., None]
    noise = np.random.RandomState(11)
    grain = noise.normal(0, 1, (h, w, 1)) * 0.007 + noise.normal(0, 1, (h, w, 3)) * 0.005
    out = np.ones((h, w, 4), np.float32)
    out[..., :3] = np.clip(rgb + grain * (1.1 - rgb), 0, 1)
    image = bpy.data.images.new("street", w, h)
    image.pixels.foreach_set(out[::-1].ravel())
    scene.view_settings.view_transform, scene.view_settings.look, scene.view_settings.exposure = "Standard", "None", 0
    scene.render.image_settings.file_format, scene.render.image_settings.color_mode, scene.render.image_settings.quality = "JPEG", "RGB", 90
    image.save_render(target, scene=scene)


def write_palette_png(path, ids):
    h, w = ids.shape

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = np.concatenate([np.zeros((h, 1), np.uint8), ids], axis=1).tobytes()
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 3, 0, 0, 0)) +
                chunk(b"PLTE", bytes(v for c in PALETTE for v in c)) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def render_image(scene, samples, target, work):
    c = scene.cycles
    c.samples, c.use_adaptive_sampling, c.adaptive_threshold, c.use_denoising, c.seed = samples, True, 0.015, False, 5
    c.max_bounces, c.diffuse_bounces, c.glossy_bounces, c.transmission_bounces = 6, 3, 2, 4
    c.sample_clamp_indirect, c.sample_clamp_direct, c.caustics_reflective, c.caustics_refractive = 2.0, 12.0, False, False
    haze(scene)
    view, settings = scene.view_settings, scene.render.image_settings
    view.view_transform, view.look, view.exposure = "Filmic", "Medium High Contrast", 1.5
    settings.file_format, settings.color_mode, settings.color_depth = "PNG", "RGB", "16"
    scene.render.filepath = os.path.join(work, "raw.png")
    bpy.ops.render.render(write_still=True)
    develop(scene.render.filepath, target, scene)


def render_labels(scene, target, work):
    """Every surface emits its class id; one ray through each pixel's centre."""
    s = Shader("class id")
    emit = s.node("Emission", {"Color": (1, 1, 1), "Strength": s.node("ObjectInfo", out="Object Index")})
    s.tree.links.new(emit, s.tree.nodes["Material Output"].inputs[0])
    scene.view_layers[0].material_override = s.mat
    scene.world, scene.use_nodes = None, False
    c = scene.cycles
    c.samples, c.use_adaptive_sampling, c.max_bounces, c.pixel_filter_type, c.filter_width = 1, False, 0, "BLACKMAN_HARRIS", 0.01
    c.sample_clamp_direct = 0
    settings = scene.render.image_settings
    settings.file_format, settings.color_mode, settings.color_depth = "OPEN_EXR", "RGB", "32"
    scene.render.filepath = os.path.join(work, "ids.exr")
    bpy.ops.render.render(write_still=True)
    ids = pixels(scene.render.filepath)[..., 0]
    exact = np.rint(ids)
    assert np.abs(ids - exact).max() < 1e-3, "a pixel mixes classes"
    write_palette_png(target, exact.astype(np.uint8))


def render_views(scene, args, work):
    """All images, then all label maps: the second kind of pass changes the materials for good."""
    for render, folder, name in ((lambda target: render_image(scene, args.samples, target, work), "images", "street-%03d.jpg"),
                                 (lambda target: render_labels(scene, target, work), "labels", "street-%03d.png")):
        os.makedirs(os.path.join(args.out, folder), exist_ok=True)
        for view in range(args.views):
            look_around(view)
            render(os.path.join(args.out, folder, name % view))


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    args = argparse.ArgumentParser()
    args.add_argument("--out", default=here)
    args.add_argument("--percent", type=int, default=100)
    args.add_argument("--samples", type=int, default=128)
    args.add_argument("--views", type=int, default=0, help="render so many other views in place of the sample")
    args = args.parse_args(sys.argv[sys.argv.index("--") + 1:] if "--" in sys.argv else [])
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 1280, 960, args.percent
    m = make_materials()
    for part in (ground, houses, planting, fences, furniture, traffic, people):
        part(m)
    sky()
    camera()
    os.makedirs(args.out, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        if args.views:
            render_views(scene, args, work)
        else:
            render_image(scene, args.samples, os.path.join(args.out, "street.jpg"), work)
            render_labels(scene, os.path.join(args.out, "street-labels.png"), work)


if __name__ == "__main__":
    main()
