# Told of a city of its own: covert.charter has the demo city's conduit, and the same at six and sixty times the rate.
story     The hidden conversation
attacker  Somebody who holds both ends of the one conduit that the charter permits: the core of the bike service and the core
attacker  of the traffic lights.
wants     To speak from one to the other: orders in, data out.
city      covert.charter

step      The core of the bike service shouts on every channel that it holds.
  inside  signals/core hear for=1500
  and     bikes/core shout
  must    be refused by rule heard 0 of it
  file    src/programs/conduit/valve.c
  because The conduit decodes, decides, and writes anew what it passes on. Bytes of one core never reach another.

step      The core of the traffic lights shouts back.
  inside  bikes/core hear for=1500
  and     signals/core shout
  must    be refused by rule heard 0 of it
  file    src/programs/conduit/conduit_main.c
  because The conduit never reads from the core that it writes to: one direction.

step      He sends a command in place of a count.
  inside  signals/core hear-counts for=2000
  and     bikes/core count conduit=one-a-second kind=wish rest=1500
  must    be refused by rule 0 counts arrived, 0 other
  file    src/programs/conduit/valve.c
  because The charter names one kind of message.

step      He writes a sentence into the name of the area.
  inside  signals/core hear-counts for=2000
  and     bikes/core count conduit=one-a-second area=set-all-lights-to-red-at-noon rest=1500
  must    be refused by rule 0 counts arrived, 0 other
  file    src/programs/conduit/valve.c
  because An area is a cell of a grid of one kilometre, and one of 64.

step      He hides a number in the length of the minute.
  inside  signals/core hear-counts for=2000
  and     bikes/core count conduit=one-a-second window=3660 rest=1500
  must    be refused by rule 0 counts arrived, 0 other
  file    src/programs/conduit/valve.c
  because A minute is a minute; the conduit writes it itself.

step      He tells of a group of three.
  inside  signals/core hear-counts for=2000
  and     bikes/core count conduit=one-a-second count=3 rest=1500
  must    be refused by rule 0 counts arrived, 0 other
  file    src/programs/conduit/valve.c
  because The charter says: ten or more.

step      He says with the counts themselves what he has to say: a random string of bits, hidden in which area is
step      told of, how many bicycles stand there, and at what moment, as fast as each conduit lets him.
  outside covert from=bikes to=signals for=21000
  must    be allowed saying within the bound
  because It is not nothing. A conduit of one count a minute passes less than a quarter of a bit a second: a word in some
  because minutes, a page in a day. No conduit that carries anything carries nothing; its rate, which the charter says and
  because the council approved, is the bound.

step      He sends a hundred counts at once through the fastest of the three.
  inside  signals/core hear-counts for=3000
  and     bikes/core count conduit=one-a-second count=77 times=100 rest=2500
  must    be allowed saying 1 counts arrived, 0 other
  because One passes. Silence is not saved up: who was quiet for an hour may not say sixty things at once.
