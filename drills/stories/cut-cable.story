# Told of the demo city.
story     The cut cable
attacker  A digger. After it: somebody who only stops one program and waits what happens.
wants     Nothing. It is the commonest attack of all.
city      demo.charter
device    tank-1 in water
device    pump-north in water
device    junction-a0 in signals

step      A tank and its pump report their level, flow and state each second.
  outside field-start zone=water
  must    be allowed
  because A field program as it stands in the city's pumping station.

step      The city heard of it.
  outside field key=acknowledged least=3 wait=15000
  must    be allowed
  because What is acknowledged is stored durably.

step      An operator gives an intersection its next phase, for ten seconds.
  outside command as=operator zone=signals device=junction-a0 command=phase-request parameters=phase:1
  must    be allowed saying a lease
  because Commands are leases: they end by themselves.

step      The intersection obeys.
  outside obey device=junction-a0 zone=signals
  must    be allowed saying the device acts
  because It checks who signed, for whom, from when and until when.

# ---- the cable -----------------------------------------------------------------------------------

step      The cable is cut: the water zone cannot be reached.
  outside stop compartment=water/gate
  must    be allowed
  because No attacker is needed for this.

step      The pumping station loses the city.
  outside field key=connected most=0 wait=8000
  must    be allowed saying connected is 0
  because It sees it at once.

step      It goes on by its own plan, and keeps what it measures.
  outside field key=outstanding least=6 wait=15000
  must    be allowed
  because The pump is switched by the tank's level, not by the city.

step      The lease at the intersection, eleven seconds later by its own clock.
  outside obey device=junction-a0 zone=signals later=11
  must    be refused by rule the device does not act: expired
  file    src/grant/lease.c
  because Without the city every command ends, and the intersection is back on its own plan.

step      The same lease, sent again while it is still valid.
  outside obey device=junction-a0 zone=signals again=yes
  must    be refused by rule the device does not act
  file    src/grant/lease.c
  because A number that was used is not used again.

step      The cable is mended.
  outside start compartment=water/gate
  must    be allowed
  because A crew comes.

step      The pumping station says again what was not acknowledged.
  outside field key=connected least=1 wait=25000
  must    be allowed
  because It tries again by itself.

step      Nothing is left over.
  outside field key=outstanding most=3 wait=20000
  must    be allowed
  because Nobody has to do anything.

step      The station ends its day.
  outside field-end
  must    be allowed
  because It counts what it was told is kept.

step      Everything that was acknowledged is stored.
  outside nothing-lost zone=water as=operator
  must    be allowed
  because Nothing acknowledged was lost, and what was not is there too.

# ---- the ledger ----------------------------------------------------------------------------------

step      A second pump introduces itself.
  outside join as=pump-north zone=water class=water-level stream=level
  must    be allowed
  because For what comes.

step      Somebody stops the ledger, the program that keeps the public log.
  outside stop compartment=city/ledger
  must    be allowed
  because The one program that all others need.

step      The pump reports its level.
  outside publish as=pump-north zone=water result=3.9
  must    be allowed saying acknowledged
  because Readings go on: their journal is the zone's own, and its head is anchored later.

step      The operator asks for the readings, with the token that he has.
  outside ask as=operator zone=water target=/v1.1/Observations
  must    be refused by rule refused
  file    src/programs/judge/judge_main.c
  because Who looked at what must be on the record before an answer leaves. No record, no token, no answer.

step      The controller of the traffic lights asks for a phase.
  inside  signals/core wish device=junction-b0 command=phase-request parameters=phase:1
  must    be refused by rule the ledger does not answer
  file    src/programs/warden/warden_main.c
  because No entry, no lease: the lights go on by their own plan.

step      The ledger runs again.
  outside start compartment=city/ledger wait=700
  must    be allowed
  because The supervisor does this within a second.

step      The operator asks again.
  outside ask as=operator zone=water target=/v1.1/Observations
  must    be allowed
  because And is answered, on the record.

step      The log is verified.
  outside verify
  must    be allowed saying every log holds
  because It is whole.
