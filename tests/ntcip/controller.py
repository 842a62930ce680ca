#!/usr/bin/python3
"""A controller of a dual-ring intersection, behind Debian's snmpd (pass_persist).

    pass_persist .1.3.6.1.4.1.1206.4.2.1 /usr/bin/python3 controller.py FOLDER
    pass_persist .1.3.6.1 /usr/bin/python3 controller.py FOLDER serial

With `serial` it has snmpSetSerialNo as RFC 3418 means it (snmpd's own cannot be set on 64-bit machines): what comes
in one request with it is set together with it or not at all.

Rings 1 2 3 4 and 5 6 7 8, barrier between 1 2 5 6 and 3 4 7 8. It times minimum green, yellow and
red clearance itself, obeys calls, omits, holds and force-offs, and has NTCIP's backup timer. What
it shows and what is written to it goes into FOLDER/log, one line a change, with seconds; lines of
FOLDER/do ("set OID VALUE", "mutate NAME") change it from outside: that is the test's hand on it.
"""
import os
import sys
import threading
import time

ASC = ".1.3.6.1.4.1.1206.4.2.1"
TICK = 0.05
RINGS = ((1, 2, 3, 4), (5, 6, 7, 8))
SIDE = {1: 0, 2: 0, 5: 0, 6: 0, 3: 1, 4: 1, 7: 1, 8: 1}
OMIT, HOLD, FORCE, CALL = (ASC + ".1.5.1.%d.1" % c for c in (2, 4, 5, 6))
BACKUP = ASC + ".3.3.0"
SERIAL = ".1.3.6.1.6.3.1.1.6.1.0"
folder = sys.argv[1]


def bits(phases):
    return sum(1 << (p - 1) for p in phases)


class Ring:
    def __init__(self, phases, first):
        self.phases, self.phase, self.colour, self.age = phases, first, "G", 0.0


class Controller:
    def __init__(self):
        self.lock = threading.Lock()
        self.start = time.monotonic()
        self.log = open(os.path.join(folder, "log"), "a", buffering=1)
        self.control = {OMIT: 0, HOLD: 0, FORCE: 0, CALL: 0}
        self.backup_s, self.since_set, self.commanded = 0, 0.0, False
        self.minimum, self.maximum, self.yellow, self.red = [2] * 9, [60] * 9, [30] * 9, [10] * 9
        self.walk, self.clear = [0] * 9, [0] * 9
        self.flash, self.alarm1, self.short, self.status = 2, 0, 0, 2
        self.detectors, self.broken, self.volumes, self.sequence = 0, 0, {}, 0
        self.recall = bits((2, 4, 6, 8))
        self.calls = 0
        self.fake = None  # what it says it shows, when it lies
        self.rings = [Ring(RINGS[0], 2), Ring(RINGS[1], 6)]
        self.side = 0
        self.done = 0
        self.serial = int(time.time()) % 2**31 if len(sys.argv) > 2 else None
        self.unlocked = 0.0
        self.say("start")

    def say(self, what):
        self.log.write("%.2f %s\n" % (time.monotonic() - self.start, what))

    def shown(self, colour):
        return bits(r.phase for r in self.rings if r.colour == colour)

    def called(self):
        return (self.recall | self.calls | self.control[CALL]) & ~self.control[OMIT]

    def next_of(self, ring, side):
        """The next phase in ring order on that side that is called."""
        i = ring.phases.index(ring.phase)
        for k in range(1, 5):
            p = ring.phases[(i + k) % 4]
            if SIDE[p] == side and self.called() >> (p - 1) & 1:
                return p
        return None

    def may_end(self, ring):
        bit = 1 << (ring.phase - 1)
        others = any(p != ring.phase and (p in ring.phases or SIDE[p] != self.side)
                     and self.called() >> (p - 1) & 1 for p in SIDE)
        if ring.age < self.minimum[ring.phase] or not others:
            return False
        if self.control[FORCE] & bit:
            return True
        return ring.age >= self.maximum[ring.phase] and not self.control[HOLD] & bit

    def tick(self):
        before = self.picture()
        for r in self.rings:
            r.age += TICK
            if r.colour == "G" and self.may_end(r):
                r.colour, r.age = "Y", 0.0
            elif r.colour == "Y" and r.age >= self.yellow[r.phase] / 10 - TICK / 2:
                r.colour, r.age = "R", 0.0
            elif r.colour == "R" and r.age >= self.red[r.phase] / 10 - TICK / 2:
                p = self.next_of(r, self.side)
                if p and not self.wants_over(r):
                    r.phase, r.colour, r.age = p, "G", 0.0
        self.cross()
        self.time_backup()
        if self.picture() != before:
            self.say("shows " + self.picture())

    def wants_over(self, ring):
        """The other ring waits in red for the barrier."""
        other = self.rings[1] if ring is self.rings[0] else self.rings[0]
        return other.colour == "R" and self.next_of(other, self.side) is None and self.next_of(other, 1 - self.side)

    def cross(self):
        if not all(r.colour == "R" and r.age >= self.red[r.phase] / 10 - TICK / 2 for r in self.rings):
            return
        nexts = [self.next_of(r, 1 - self.side) for r in self.rings]
        if not any(nexts):
            return
        self.side = 1 - self.side
        for r, p in zip(self.rings, nexts):
            if p:
                r.phase, r.colour, r.age = p, "G", 0.0

    def time_backup(self):
        self.since_set += TICK
        if self.commanded and self.backup_s and self.since_set >= self.backup_s:
            self.control = dict.fromkeys(self.control, 0)
            self.commanded = False
            self.status = 4
            self.say("backup")

    def picture(self):
        letters = ["r"] * 8
        for r in self.rings:
            if r.colour != "R":
                letters[r.phase - 1] = r.colour
        return "".join(letters)

    # ---- what is read and written ---------------------------------------------------------------

    def get(self, oid):
        if oid == SERIAL:
            return self.serial
        if not oid.startswith(ASC + "."):
            return None
        tail = [int(x) for x in oid[len(ASC) + 1:].split(".")]
        if oid in self.control:
            return self.control[oid]
        if oid == BACKUP:
            return self.backup_s
        if tail[:3] == [1, 2, 1] and len(tail) == 5 and 1 <= tail[4] <= 8:
            p = tail[4]
            return {1: p, 2: self.walk[p], 3: self.clear[p], 4: self.minimum[p], 6: self.maximum[p],
                    8: self.yellow[p], 9: self.red[p], 22: 1 if p <= 4 else 2}.get(tail[3])
        if tail[:3] == [1, 4, 1] and len(tail) == 5 and tail[4] == 1:
            g, y = self.shown("G"), self.shown("Y")
            if self.fake is not None:
                g, y = self.fake, 0
            return {2: 255 & ~(g | y), 3: y, 4: g, 5: 255, 6: 0, 7: 0,
                    8: (self.calls | self.recall) & ~g, 9: 0}.get(tail[3])
        if tail[:3] == [2, 4, 1] and len(tail) == 5 and tail[4] == 1:
            return {2: self.detectors, 3: self.broken}.get(tail[3])
        if tail == [2, 5, 1]:
            return None
        if tail == [2, 5, 1, 0]:
            return self.sequence
        if tail == [2, 5, 2, 0]:
            return 1
        if tail[:5] == [2, 5, 4, 1, 1] and len(tail) == 6 and 1 <= tail[5] <= 8:
            return self.volumes.get(tail[5], 0)
        return {(3, 5, 0): self.status, (3, 6, 0): self.flash, (3, 8, 0): self.alarm1,
                (3, 9, 0): self.short}.get(tuple(tail))

    def set(self, oid, value):
        """snmpd hands over a request's values one by one, within a millisecond or two."""
        now = time.monotonic()
        if self.serial is not None:
            if oid == SERIAL:
                good = value == self.serial
                self.serial = (self.serial + good) % 2**31
                self.unlocked = now + 0.02 if good else 0.0
                return good
            if now > self.unlocked:
                return False
        self.say("set %s %d" % (oid[len(ASC):], value))
        if oid == BACKUP:
            self.backup_s = value
        elif oid in self.control:
            self.control[oid] = value
            self.since_set, self.commanded, self.status = 0.0, True, 2
        else:  # a real one takes these too; the adapter must never try
            return True
        return True

    def obey_test(self):
        try:
            lines = open(os.path.join(folder, "do")).read().split("\n")[:-1]
        except FileNotFoundError:
            return
        for line in lines[self.done:]:
            name, *values = line.split()
            values = [int(v) for v in values]
            if name in ("minimum", "maximum", "yellow", "red", "walk", "clear"):
                getattr(self, name)[values[0]] = values[1]
            elif name == "volume":
                self.volumes[values[0]] = values[1]
                self.sequence = (self.sequence + 1) % 256
            elif name == "fake":
                self.fake = values[0] if values[0] >= 0 else None
            else:
                setattr(self, name, values[0])
            self.say("test " + line)
        self.done = len(lines)

    def run(self):
        due = time.monotonic()
        while True:
            with self.lock:
                self.obey_test()
                self.tick()
            due += TICK
            time.sleep(max(0.0, due - time.monotonic()))


def serve(controller):
    read, out = sys.stdin.readline, sys.stdout
    while True:
        line = read()
        if not line:
            return
        command = line.strip()
        if not command:
            continue  # snmpd ends the value of a set with one more newline
        if command == "PING":
            answer = "PONG"
        elif command == "set":
            oid, words = read().strip(), read().split()
            with controller.lock:
                good = words[0] == "integer" and controller.set(oid, int(words[1]))
                answer = "DONE" if good else "inconsistent-value"
        elif command in ("get", "getnext"):
            oid = read().strip()
            with controller.lock:
                value = controller.get(oid) if command == "get" else None
            answer = "NONE" if value is None else "%s\ninteger\n%d" % (oid, value)
        else:
            answer = "NONE"
        out.write(answer + "\n")
        out.flush()


controller = Controller()
threading.Thread(target=controller.run, daemon=True).start()
serve(controller)
