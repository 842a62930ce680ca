#!/usr/bin/python3
"""Stands between the adapter and the agent: a line, or whoever sits on it.

    relay.py PORT AGENT_PORT FOLDER

FOLDER/mode says what it does: `clean` passes all; `record` also appends each request, in hex, to FOLDER/requests;
`silent` passes nothing; `replay` answers with older answers; `mutate` flips bits of answers, cuts and stretches them;
`nonsense` answers with bytes of its own; `flood` passes all and sends thousands of packets a second besides.
"""
import os
import random
import select
import socket
import sys
import time

port, agent_port, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
front.bind(("127.0.0.1", port))
back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
back.connect(("127.0.0.1", agent_port))
rng = random.Random(1202)
answers, client, mode, looked = [], None, "clean", 0.0


def nonsense():
    """BER that promises more than it holds, nests, or is of another version; or no BER at all."""
    kind = rng.randrange(7)
    noise = bytes(rng.randrange(256) for _ in range(rng.randrange(200)))
    v3 = b"\x02\x01\x03\x30\x0e\x02\x04" + noise[:4].ljust(4, b"\0") + b"\x02\x02\x20\x00\x04\x01\x03\x02\x01\x03"
    return (noise, b"\x30\x84\xff\xff\xff\xff" + noise, b"\x30\x82\x00\x40" + v3 + noise,
            b"\x30" * 120, b"\x30\x26\x02\x01\x01\x04\x06public\xa2\x19" + noise[:25],
            b"\x30\x81\x80" + v3 + b"\x04\x84\x7f\xff\xff\xff" + noise, bytes(65000))[kind]


def mutated(packet):
    data = bytearray(packet)
    for _ in range(rng.randrange(1, 4)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    cut = rng.randrange(8)
    return bytes(data[:rng.randrange(len(data))] if cut == 0 else data + data[:40] if cut == 1 else data)


def answer(packet):
    if mode == "silent":
        return
    if mode == "replay" and answers:
        front.sendto(rng.choice(answers), client)
        return
    if mode == "mutate":
        packet = mutated(packet)
    elif mode == "nonsense":
        packet = nonsense()
    elif len(answers) < 200:
        answers.append(packet)
    front.sendto(packet, client)


while True:
    now = time.monotonic()
    if now >= looked + 0.05:
        looked = now
        try:
            mode = open(os.path.join(folder, "mode")).read().strip()
        except FileNotFoundError:
            pass
    flooding = mode == "flood" and client
    ready, _, _ = select.select([front, back], [], [], 0 if flooding else 0.05)
    try:
        if front in ready:
            packet, client = front.recvfrom(65536)
            if mode == "record":
                with open(os.path.join(folder, "requests"), "a") as f:
                    f.write(packet.hex() + "\n")
            if mode != "silent":
                back.send(packet)
        if back in ready:
            answer(back.recv(65536))
        if flooding:
            for _ in range(50):
                front.sendto(mutated(rng.choice(answers)) if answers and rng.randrange(2) else nonsense(), client)
    except OSError:
        pass  # nobody listens at one end: a line that is cut
