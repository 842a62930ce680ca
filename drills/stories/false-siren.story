# Told of the demo city. What a vehicle may ask is what src/services/signals/calls.h says, rule by rule.
story     The false siren
attacker  Somebody with the computer of a bus, bought with its certificate on a flea market; then with that of an
attacker  ambulance, stolen from the garage, before anybody misses it; at last with the core of the traffic lights.
wants     Green, wherever he drives. And then red for everybody else, all over the city.
city      demo.charter
device    junction-a0 in signals
device    junction-b0 in signals
device    bus-7 in signals
device    emergency-1 in signals

step      An intersection says what it is: two one-way streets.
  outside join as=junction-a0 zone=signals class=signal-state stream=state crossing=yes
  must    be allowed
  because So that there is something to drive over.

step      And a second one.
  outside join as=junction-b0 zone=signals class=signal-state stream=state crossing=yes
  must    be allowed
  because The next one on the way.

step      The bus introduces itself.
  outside join as=bus-7 zone=signals class=priority-call stream=call
  must    be allowed
  because A vehicle is a device like any other, with a certificate of the city.

step      The ambulance does too.
  outside join as=emergency-1 zone=signals class=priority-call stream=call
  must    be allowed
  because The city enrolled it as what it is.

# ---- with a bus ----------------------------------------------------------------------------------

step      The bus calls, 150 m before the lights.
  outside publish as=bus-7 zone=signals time=+1 result={"junction":"junction-a0","lane":"north","kind":"bus","eta":14,"distance":150,"late":60}
  must    be allowed saying acknowledged
  because A bus that is late weighs more in the plan, one in each direction. It takes no green away from anybody's hands.

step      It says that it is an ambulance.
  outside publish as=bus-7 zone=signals time=+1 result={"junction":"junction-a0","lane":"north","kind":"emergency","eta":14,"distance":150}
  must    be refused by rule call C1
  file    src/services/signals/calls.c
  because What a vehicle is stands in its certificate, by the name under which the city enrolled it.

step      It speaks with the ambulance's voice.
  outside publish as=bus-7 zone=signals to=emergency-1 time=+1 result={"junction":"junction-a0","lane":"north","kind":"emergency","eta":14,"distance":150}
  must    be refused by rule this device has no Datastream
  file    src/programs/core/ingest.c
  because Whose call it is stands in the certificate too.

# ---- with a stolen ambulance -----------------------------------------------------------------------

step      He plays back what it said ten seconds ago.
  outside publish as=emergency-1 zone=signals time=-10 result={"junction":"junction-a0","lane":"north","kind":"emergency","eta":14,"distance":150}
  must    be refused by rule call C2
  file    src/services/signals/calls.c
  because A call is two seconds old or it is nothing.

step      He sets its clock ahead.
  outside publish as=emergency-1 zone=signals time=+10 result={"junction":"junction-a0","lane":"north","kind":"emergency","eta":14,"distance":150}
  must    be refused by rule call C2
  file    src/services/signals/calls.c
  because In both directions.

step      He lets it be half a kilometre away and there in a second.
  outside publish as=emergency-1 zone=signals time=+1 result={"junction":"junction-a0","lane":"north","kind":"emergency","eta":1,"distance":500}
  must    be refused by rule call C6
  file    src/services/signals/calls.c
  because It cannot drive like that.

step      He waits a moment and sends the same call twice, 400 m before the lights.
  outside publish as=emergency-1 zone=signals time=+1 times=2 result={"junction":"junction-a0","lane":"north","kind":"emergency","eta":30,"distance":400}
  must    be refused by rule call C3
  file    src/services/signals/calls.c
  because The first one is heard: it may be true. The second one is a replay.

step      He leaves the time out, so that the city takes its own.
  outside publish as=emergency-1 zone=signals result={"junction":"junction-a0","lane":"north","kind":"emergency","eta":30,"distance":400}
  must    be refused by rule call C2
  file    src/services/signals/service.c
  because A call that waited somewhere would be fresh again.

step      He is at the next intersection already.
  outside publish as=emergency-1 zone=signals time=+1 result={"junction":"junction-b0","lane":"north","kind":"emergency","eta":14,"distance":150}
  must    be refused by rule call C8
  file    src/services/signals/calls.c
  because It cannot have driven the 400 m that it said were left.

# ---- with the core of the traffic lights --------------------------------------------------------------

step      Inside the core he needs no ambulance: he pre-empts a hundred intersections.
  inside  signals/core wish device=junction-z command=preempt parameters=phase:1 times=100 devices=100
  must    be refused by rule 1 granted, 99 refused
  file    src/services/signals/envelope.c
  because The warden does not believe a siren either: a tenth of the city at a time, and of nine that is one.

step      Then the one, for the other street.
  inside  signals/core wish device=junction-z0 command=preempt parameters=phase:0
  must    be refused by rule is pre-empted
  file    src/services/signals/envelope.c
  because The first one wins, the other one waits.

step      An auditor asks who was given way.
  outside log zone=signals words="event":"lease",preempt,junction-z0
  must    be allowed
  because Each pre-emption is a lease, and each lease is in the published log.
