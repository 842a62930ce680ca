"""normative.py -- every numbered statement of MQTT 5 has a case, or a sentence why it has none."""
import re

# How many statements each section numbers, 1 to N (the standard's appendix B).
SECTIONS = {
    '1.5.4': 3, '1.5.5': 1, '1.5.7': 1, '2.1.3': 1, '2.2.1': 6, '2.2.2': 1, '3.1.0': 2, '3.1.2': 30, '3.1.3': 12,
    '3.1.4': 6, '3.2.0': 2, '3.2.2': 22, '3.3.1': 13, '3.3.2': 20, '3.3.4': 10, '3.4.2': 3, '3.5.2': 3, '3.6.1': 1,
    '3.6.2': 3, '3.7.2': 3, '3.8.1': 1, '3.8.3': 5, '3.8.4': 8, '3.9.2': 2, '3.9.3': 2, '3.10.1': 1, '3.10.3': 2,
    '3.10.4': 6, '3.11.2': 2, '3.11.3': 2, '3.12.4': 1, '3.14.0': 1, '3.14.1': 1, '3.14.2': 4, '3.14.4': 3,
    '3.15.1': 1, '3.15.2': 3, '4.1.0': 2, '4.2': 1, '4.3.1': 1, '4.3.2': 5, '4.3.3': 13, '4.4.0': 2, '4.5.0': 2,
    '4.6.0': 6, '4.7.0': 1, '4.7.1': 2, '4.7.2': 1, '4.7.3': 4, '4.8.2': 6, '4.9.0': 3, '4.12.0': 7, '4.12.1': 2,
    '4.13.1': 1, '4.13.2': 1, '6.0.0': 4}
NOT_THERE = {'2.2.1-1'}  # a number that the standard leaves out


def numbers():
    return ['%s-%d' % (section, i) for section, most in SECTIONS.items() for i in range(1, most + 1)
            if '%s-%d' % (section, i) not in NOT_THERE]


def read(path):
    """number: (words, case names or None, reason or None)"""
    rows = {}
    for line in open(path, encoding='utf-8'):
        if not line.strip() or line.startswith('#'):
            continue
        fields = [f.strip() for f in line.rstrip('\n').split('|')]
        if len(fields) != 3 or not re.fullmatch(r'\d+(\.\d+)+-\d+', fields[0]) or not all(fields):
            raise SystemExit('normative.txt: not NUMBER | words | cases or "no: why": ' + line)
        if fields[0] in rows:
            raise SystemExit('normative.txt: twice ' + fields[0])
        why = fields[2][3:].strip() if fields[2].startswith('no:') else None
        rows[fields[0]] = (fields[1], None if why else fields[2].split(), why)
    return rows


def problems(path, cases):
    rows, out = read(path), []
    out += ['MQTT-%s stands in the standard and not in normative.txt' % n for n in numbers() if n not in rows]
    out += ['MQTT-%s stands in normative.txt and not in the standard' % n for n in rows if n not in numbers()]
    for number, (_, names, _) in rows.items():
        out += ['MQTT-%s names the case %s, which is not there' % (number, n) for n in names or () if n not in cases]
    return out
