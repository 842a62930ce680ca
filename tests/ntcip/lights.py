#!/usr/bin/python3
"""What the controllers' logs show: no conflict, yellow of 3 s, red clearance of 1 s, green of 2 s; and that they changed at all."""
import sys

SIDE = {1: 0, 2: 0, 5: 0, 6: 0, 3: 1, 4: 1, 7: 1, 8: 1}
bad, changes = [], 0
for name in sys.argv[1:]:
    since = {}
    for line in open(name):
        words = line.split()
        if len(words) != 3 or words[1] != "shows":
            continue
        at, picture = float(words[0]), words[2]
        lit = [p for p in range(1, 9) if picture[p - 1] != "r"]
        changes += 1
        for a in lit:
            for b in lit:
                if a < b and (SIDE[a] != SIDE[b] or (a <= 4) == (b <= 4)):
                    bad.append("%s: %s" % (name, line))
        for p in range(1, 9):
            colour = picture[p - 1]
            was, start = since.get(p, (None, None))
            if colour == was:
                continue
            if was == "G" and (colour != "Y" or start and at - start < 1.9):
                bad.append("%s: phase %d green %s" % (name, p, line))
            if was == "Y" and (colour != "r" or start and at - start < 2.9):
                bad.append("%s: phase %d yellow %s" % (name, p, line))
            since[p] = (colour, at if was else None)
print("\n".join(bad) or "%d changes" % changes)
sys.exit(bool(bad) or changes < 12)
