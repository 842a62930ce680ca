# Told of the demo city.
story     The insider
attacker  Somebody who works here. He holds true certificates and asks the judge for true tokens: an app developer, an
attacker  auditor, an operator.
wants     To know where people are, to close an intersection, and that nobody learns of it.
city      demo.charter
device    operator-bikes in bikes

step      The bike operator's computer reports its stations.
  outside join as=operator-bikes zone=bikes class=station-status stream=stations
  must    be allowed
  because So that there is something to look at.

step      One report is stored.
  outside publish as=operator-bikes zone=bikes body={"result":[{"station_id":"s1","num_vehicles_available":4}]}
  must    be allowed saying acknowledged
  because Four bicycles at one station.

# ---- looking -------------------------------------------------------------------------------------

step      The app developer asks for a token for the traffic lights.
  outside token as=app-developer zone=signals
  must    be refused by rule may ask in these zones: bikes
  file    src/programs/judge/request.c
  because The charter names his zones.

step      The auditor asks for a token for research.
  outside token as=auditor zone=bikes purpose=research
  must    be refused by rule may ask for these purposes: compliance
  file    src/programs/judge/request.c
  because And his purposes.

step      The app developer uses his token for the bikes in the water zone.
  outside ask as=app-developer zone=bikes in=water target=/v1.1/Observations
  must    be refused by rule another zone
  file    src/grant/token.c
  because A token opens one zone.

step      The app developer uses the auditor's token, which he copied from a screen.
  outside ask as=auditor with=app-developer zone=bikes purpose=compliance target=/v1.1/Observations
  must    be refused by rule another key
  file    src/grant/token.c
  because A token works with the key of the one it was given to.

step      He comes with a token and no certificate.
  outside ask as=auditor with= zone=bikes purpose=compliance target=/v1.1/Observations
  must    be refused by rule certificate
  file    src/programs/core/rights.c
  because The same.

step      He comes without a token.
  outside ask as=app-developer zone=bikes token=none target=/v1.1/Observations
  must    be refused by rule bearer token
  file    src/programs/core/rights.c
  because No question without a purpose.

step      He uses a token a moment after its end.
  outside ask as=app-developer zone=bikes seconds=1 wait=1400 target=/v1.1/Observations
  must    be refused by rule expired
  file    src/grant/token.c
  because It lives fifteen minutes at most.

step      He asks for all that he may see.
  outside ask as=app-developer zone=bikes target=/v1.1/Observations
  must    be allowed saying 1 rows
  because The charter lets him see the bike service's data for its operation. A city that does not want it changes
  because the charter.

step      The city's people look who asked.
  outside log zone=bikes words="event":"read",app-developer tries=30
  must    be allowed saying 1 such entries
  because It stood in the log before the answer left: who, what for, what, how many rows.

step      And who was refused.
  outside log zone=bikes words="event":"read-refused",app-developer tries=30
  must    be allowed
  because The attempts too.

# ---- commanding ----------------------------------------------------------------------------------

step      The operator gives two intersections a phase.
  outside command as=operator zone=signals device=junction-a0 command=phase-request parameters=phase:1
  must    be allowed saying a lease
  because The charter names him, this zone and this command.

step      He sets an intersection to flashing, alone.
  outside command as=operator zone=signals device=junction-a0 command=all-flash
  must    be refused by rule needs approvals of 2 different people
  file    src/programs/warden/verdict.c
  because This command asks for two people.

step      He approves it twice himself.
  outside command as=operator zone=signals device=junction-a0 command=all-flash approvals=operator,operator
  must    be refused by rule needs approvals of 2 different people
  file    src/programs/warden/verdict.c
  because Two people are two people in two roles.

step      He lets the engineer approve it for another intersection.
  outside command as=operator zone=signals device=junction-a0 command=all-flash approvals=operator,duty-engineer approve-for=junction-b0
  must    be refused by rule over these exact bytes
  file    src/grant/token.c
  because An approval counts for the exact bytes that were approved.

step      He asks for a command with a token for compliance.
  outside command as=auditor zone=signals purpose=compliance device=junction-a0 command=phase-request parameters=phase:1
  must    be refused by rule purpose operate
  file    src/programs/core/commands.c
  because Who may look may not command.

# ---- hiding --------------------------------------------------------------------------------------

step      He deletes what the readings belong to.
  outside ask as=app-developer zone=bikes method=DELETE target=/v1.1/Datastreams(1)
  must    be refused by rule caller app-developer
  file    src/programs/core/changes.c
  because Who may look may not change: the charter says of nobody in this city that they write.

step      He writes a reading as if he were a device.
  outside ask as=app-developer zone=bikes method=POST target=/v1.1/Observations body={"result":1}
  must    be refused by rule 40
  file    src/programs/core/asks.c
  because Only devices report.

step      He asks the ledger to write that something happened which never did.
  outside write-log
  must    be refused by rule hung up
  file    src/programs/ledger/guests.c
  because Everybody on the machine may read the log; it is written by channels that only the supervisor gives.

step      He has the machine's password, and changes one bit of an entry in the files of the log.
  outside verify edit=flip zone=city
  must    be noticed saying DOES NOT HOLD
  file    src/cli/log_files.c
  because Each entry's hash is in a tree whose root is signed.

step      He cuts off the later half of the log.
  outside verify edit=truncate zone=city
  must    be noticed saying e
  file    src/cli/log_files.c
  because The signed root counts the entries.

step      The city's own log is verified.
  outside verify
  must    be allowed saying every log holds
  because Anybody can do this, with tools that are not ours.
