"""shown.py TRACE NETWORK [YELLOW ALL_RED MINIMUM_GREEN]: looks at what intersections showed, second by second
(`sumo --trace`), and prints each rule of their own that was broken. Knows nothing of the programs that showed it: the
network file says which links its own programme lets go together."""
import re
import sys
import xml.etree.ElementTree as tree

GREEN = 'Gg'


def together(network):
    """For each signal, the pairs of links that are green together in some state of its programme."""
    pairs = {}
    for logic in tree.parse(network).getroot().iter('tlLogic'):
        name = 'junction-' + re.sub(r'[^a-z0-9]+', '-', logic.get('id').lower()).strip('-')
        own = pairs.setdefault(name, set())
        for phase in logic.iter('phase'):
            state = phase.get('state')
            going = [i for i, letter in enumerate(state) if letter in 'Ggs']
            own.update((a, b) for a in going for b in going)
    return pairs


def read(trace):
    rows = {}
    for line in open(trace):
        second, device, word, shown = line.rstrip('\n').split('\t')
        rows.setdefault(device, []).append((int(second), word, shown))
    return rows


def runs(letters):
    """(letter class, begin, length): green letters are one class."""
    out = []
    for i, letter in enumerate(letters):
        kind = 'G' if letter in GREEN else letter
        if out and out[-1][0] == kind:
            out[-1][2] += 1
        else:
            out.append([kind, i, 1])
    return out


def main():
    yellow, all_red, green = (int(x) for x in sys.argv[3:6]) if len(sys.argv) > 5 else (3, 1, 5)
    pairs, broken, seconds = together(sys.argv[2]), 0, 0

    def say(device, second, what):
        nonlocal broken
        broken += 1
        if broken <= 20:
            print(f'{device} second {second}: {what}')

    for device, rows in read(sys.argv[1]).items():
        seconds += len(rows)
        for (a, _, _), (b, _, _) in zip(rows, rows[1:]):
            if b != a + 1:
                say(device, b, f'follows second {a}')
        for second, _, shown in rows:
            going = [i for i, letter in enumerate(shown) if letter in GREEN]
            for a in going:
                for b in going:
                    if (a, b) not in pairs[device]:
                        say(device, second, f'links {a} and {b} are green together')
        links = len(rows[0][2])
        greens = {}
        for i in range(links):
            mine = runs([shown[i] for _, _, shown in rows])
            for n, (kind, begin, length) in enumerate(mine):
                second, last = rows[begin][0], n == len(mine) - 1
                after = None if last else mine[n + 1][0]
                if kind == 'G' and n > 0:
                    greens.setdefault(i, []).append(second)
                if kind == 'G' and after not in (None, 'y'):
                    say(device, second + length, f'link {i} goes from green to {after}')
                if kind == 'y' and n > 0 and not last and (length < yellow or after != 'r'):
                    say(device, second, f'link {i} is yellow for {length} s, then {after}')
                if kind == 'G' and n > 0 and not last and length < green:
                    say(device, second, f'link {i} is green for {length} s')
        # Who begins green: nobody who conflicts was yellow in the all_red seconds before.
        at = {second: shown for second, _, shown in rows}
        for i, begins in greens.items():
            for second in begins:
                for before in range(second - all_red, second):
                    for k, letter in enumerate(at.get(before, '')):
                        if letter == 'y' and (i, k) not in pairs[device]:
                            say(device, second, f'link {i} is green {second - before} s after {k} was yellow')
    print(f'{seconds} seconds of intersections, {broken} rules broken')
    sys.exit(broken > 0 or seconds == 0)


main()
