# Told of the demo city: the attack on a petrochemical plant of 2017 in its outline, with a city's means.
story     Two zones at once
attacker  A state's service with months of time. It holds the core of the water service, whose safety readings it
attacker  hides, and the core of the traffic lights, from which it gives orders: the people who would see that something
attacker  is wrong see nothing, and those who would drive there stand in the traffic.
wants     Conflicting greens, every light flashing at once, and no warning.
city      demo.charter
device    pump-north in water
device    junction-a0 in signals

step      A pump reports the level of its tank, as on every day.
  outside join as=pump-north zone=water class=water-level stream=level
  must    be allowed
  because The readings that will be hidden.

# ---- hiding --------------------------------------------------------------------------------------

step      The core of the water service asks for a command, for any device of the city.
  inside  water/core wish device=junction-a0 command=phase-request parameters=phase:1
  must    be refused by rule holds no channel to a warden
  file    src/programs/supervisor/plan.c
  because There is no program in this zone that could sign a command.

step      The service hides the readings: its core does not take them any more.
  outside stop compartment=water/core
  must    be allowed
  because Who holds a core can silence its zone. That cannot be prevented from inside.

step      The pump reports its level.
  outside publish as=pump-north zone=water result=7.9
  must    be refused by rule no session in zone water
  file    src/programs/gate/mqtt_peer.c
  because Without its core the gate takes nobody in. The pump keeps its reading and says it again. It also goes on by
  because its own plan.

step      The core is replaced, and the pump says it again.
  outside start compartment=water/core
  must    be allowed
  because The supervisor starts a program that hangs or ends within three seconds.

step      The reading arrives.
  outside publish as=pump-north zone=water result=7.9
  must    be allowed saying acknowledged
  because Hidden is not lost.

# ---- commanding ----------------------------------------------------------------------------------

step      The core of the traffic lights gives one intersection its next phase.
  inside  signals/core wish device=junction-a0 command=phase-request parameters=phase:1
  must    be allowed saying 1 granted
  because This is its daily work, and one phase at a time is always safe.

step      And at once the conflicting one.
  inside  signals/core wish device=junction-a0 command=phase-request parameters=phase:2
  must    be refused by rule envelope minimum-green
  file    src/services/signals/envelope.c
  because The warden is another program. It knows what it granted, and between two greens lie the minimum green,
  because yellow and all red.

step      It asks for a phase that no intersection has.
  inside  signals/core wish device=junction-b0 command=phase-request parameters=phase:99
  must    be refused by rule phase must be 0 to
  file    src/services/signals/envelope.c
  because What is outside the envelope is not signed.

step      It asks for a command that the charter does not name.
  inside  signals/core wish device=junction-b0 command=open-valve
  must    be refused by rule the charter names no such command
  file    src/programs/warden/verdict.c
  because The charter's list is the whole list.

step      It sets one intersection to flashing, without people.
  inside  signals/core wish device=junction-a0 command=all-flash
  must    be refused by rule needs approvals of 2 different people
  file    src/programs/warden/verdict.c
  because Dangerous commands need two people, over these exact bytes. A program is nobody.

step      It sets a hundred intersections to flashing.
  inside  signals/core wish device=junction-x command=all-flash times=100 devices=100
  must    be refused by rule 0 granted, 100 refused
  file    src/programs/warden/verdict.c
  because A mass change is a hundred times nothing.

step      It holds an intersection by hand.
  inside  signals/core wish device=junction-b1 command=manual parameters=phase:1
  must    be refused by rule needs a person's approval
  file    src/programs/warden/verdict.c
  because A hold by hand is a person's.

step      It invents a hundred intersections, so that a share of them is more.
  inside  signals/core wish device=junction-z command=phase-request parameters=phase:1 times=100 devices=100
  must    be allowed saying 100 granted
  because Nobody is there. How many intersections there are stands in the charter.

step      Two people are deceived into approving one.
  outside command as=operator zone=signals device=junction-a0 command=all-flash approvals=operator,duty-engineer
  must    be allowed saying a lease
  because What two people want is done. What a deceived pair can do is a share, and it ends by itself.

step      And a second one.
  outside command as=operator zone=signals device=junction-a1 command=all-flash approvals=operator,duty-engineer
  must    be allowed saying a lease
  because It is the last.

step      And a third one.
  outside command as=operator zone=signals device=junction-a2 command=all-flash approvals=operator,duty-engineer
  must    be refused by rule envelope maximum-command-share
  file    src/services/signals/envelope.c
  because Even then only a part of the intersections may flash at a time, and of nine that is two.

step      It changes the phase of fifty intersections at the same moment, each for the first time.
  inside  signals/core wish device=junction-y command=phase-request parameters=phase:1 times=50 devices=50
  must    be allowed saying 50 granted
  because Each of them passes yellow and all red into a legal green for ten seconds. The traffic suffers; nobody is hurt.
  because Here the city is not protected by a wall but by the device's own limits and by the lease that ends by itself.

step      And again at once, to the other direction.
  inside  signals/core wish device=junction-y command=phase-request parameters=phase:2 times=50 devices=50
  must    be refused by rule 0 granted, 50 refused
  file    src/services/signals/envelope.c
  because It cannot be made to flicker.

step      It drowns the warden in wishes.
  inside  signals/core wish device=junction-z command=phase-request parameters=phase:1 times=3000
  must    be refused by rule refused
  file    src/programs/warden/warden_main.c
  because Above 500 a second it is answered with no and the log hears the count only.

step      An auditor asks what the traffic lights were told.
  outside log zone=signals words="event":"refusal","asked_by":"controller" tries=30
  must    be allowed
  because Every verdict is in the published log before a lease leaves the warden; what the core hides there does not
  because stay hidden.

# ---- together ------------------------------------------------------------------------------------

step      With both cores breached, the one of the traffic lights shouts to the one of the water service, on every
step      channel that it holds.
  inside  water/core hear for=1500
  and     signals/core shout
  must    be refused by rule heard 0 of it
  file    src/programs/supervisor/plan.c
  because A protected zone has no way in. Breaching both ends of it does not make one.

step      And the other way round.
  inside  signals/core hear for=1500
  and     water/core shout
  must    be refused by rule heard 0 of it
  file    src/programs/supervisor/plan.c
  because No line of the charter leads from water to anywhere.
