#!/usr/bin/env python3
"""Makes Inter.ttf from the variable font of the Inter project.

    assets/fonts/make_inter.py InterVariable.woff2 assets/fonts/Inter.ttf

Keeps Latin, Greek, Cyrillic, arrows and mathematical signs, and weights 400 to 600 at the optical size of text. Digits
have one width, because the window shapes text without optional features and its numbers stand in columns.
Needs: fonttools with brotli (pip).
"""
import sys

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

RANGES = [(0x20, 0x24F), (0x2B0, 0x36F), (0x370, 0x3FF), (0x400, 0x52F), (0x1E00, 0x1EFF), (0x2000, 0x206F),
          (0x2070, 0x209F), (0x20A0, 0x20BF), (0x2100, 0x214F), (0x2190, 0x21FF), (0x2200, 0x22FF), (0x25A0, 0x25FF)]


def main():
    source, target = sys.argv[1:]
    font = TTFont(source)
    options = subset.Options(layout_features=["kern", "mark", "mkmk", "ccmp", "locl", "calt", "tnum"], name_IDs=["*"],
                             notdef_outline=True)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[code for first, last in RANGES for code in range(first, last + 1)])
    subsetter.subset(font)
    font = instancer.instantiateVariableFont(font, {"opsz": 14, "wght": (400, 400, 600)})
    tabular = {}
    for record in font["GSUB"].table.FeatureList.FeatureRecord:
        if record.FeatureTag == "tnum":
            for index in record.Feature.LookupListIndex:
                for table in font["GSUB"].table.LookupList.Lookup[index].SubTable:
                    tabular.update(getattr(table, "ExtSubTable", table).mapping)
    for table in font["cmap"].tables:
        for code in range(ord("0"), ord("9") + 1):
            if code in table.cmap:
                table.cmap[code] = tabular[table.cmap[code]]
    font.flavor = None
    font.save(target)


main()
