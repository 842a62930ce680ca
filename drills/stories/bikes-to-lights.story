# Told of the demo city. Each step is carried out; `bulkhead drill --story bikes-to-lights` prints the report.
story     The bike app to the traffic lights
attacker  Somebody who sends the city's bike service a message that its authors never thought of, and whose
attacker  own program runs in it from then on: first in the part that talks to the outside (bikes/gate), then
attacker  in the part that keeps the data (bikes/core).
wants     The traffic lights. One green wave for himself will do for the beginning.
city      demo.charter
device    operator-bikes in bikes
device    junction-a0 in signals

step      The bike operator's computer reports its stations, as on every day.
  outside join as=operator-bikes zone=bikes class=station-status stream=stations
  must    be allowed
  because This is what the service is for.

# ---- inside the gate -----------------------------------------------------------------------------

step      From inside the gate of the bike service he opens a connection to the gate of the traffic lights,
step      which listens on the same machine.
  inside  bikes/gate connect port=@mqtts:signals
  must    be refused by wall seccomp
  because The program may use the connections that it was given and make no other: the kernel ends it when it
  because tries, before anything leaves.

step      He opens the file with the key that signs commands for the traffic lights.
  inside  bikes/gate read-file path=@state:keys/warden-signals.key
  must    be refused by wall seccomp
  because In there no file can be opened, and none is there: its file system is empty.

step      He reads the memory of the program that signs commands for the traffic lights.
  inside  bikes/gate read-memory pid=@pid:signals/warden
  must    be refused by wall seccomp
  because The other program does not even exist for him: he sees no process but his own.

step      He ends the program that signs commands for the traffic lights.
  inside  bikes/gate signal pid=@pid:signals/warden
  must    be refused by wall seccomp
  because Nobody outside a compartment can be signalled from inside it.

step      He tells the core of the bike service that the city's auditor is connected, and asks for every
step      parked vehicle, without a token.
  inside  bikes/gate ask-as name=auditor target=/v1.1/Observations
  must    be refused by rule bearer token
  file    src/programs/core/rights.c
  because The gate says who knocks; what somebody may see is decided by the core, by a token that only the judge
  because can sign.

step      He signs himself a token.
  inside  bikes/gate ask-as name=auditor target=/v1.1/Observations token=bh1.YnVsa2hlYWQgdG9rZW4gdjEK.AAAA
  must    be refused by rule not one of this city's judge
  file    src/grant/token.c
  because A token is signed by the judge, who is another program with a key that nobody else holds.

step      He uses a true token of the auditor that he caught on its way through the gate. It is for the
step      traffic lights.
  inside  bikes/gate ask-as name=auditor target=/v1.1/Observations token=@token:auditor:signals:compliance
  must    be refused by rule another zone
  file    src/grant/token.c
  because A token opens one zone. What is caught in one opens no other.

step      He lies for the bike operator: as its computer he reports a station that does not exist.
  inside  bikes/gate publish-as name=operator-bikes stream=@stream:operator-bikes result=[{"station_id":"x"}]
  must    be allowed saying reason 0x00
  because Who holds the gate of a zone can lie for the devices of that zone. This cannot be prevented; the zone's
  because own data cannot be trusted until the gate is replaced. It is also where it ends.

step      He says that a traffic light is connected to the bike service, and reports for it.
  inside  bikes/gate publish-as name=junction-a0 stream=@stream:operator-bikes result=1
  must    be refused by rule this device has no Datastream
  file    src/programs/core/ingest.c
  because A name from another zone means nothing in this one.

step      He sends nonsense to everybody whom the gate knows.
  inside  bikes/gate nonsense
  must    be allowed
  because He can shout; nobody has to listen.

step      The core of the bike service stops listening, and tells the supervisor.
  outside counter compartment=bikes/core counter=complaints
  must    be noticed saying bikes/core counts complaints
  file    src/programs/core/link.c
  because A complaint is on the city's record and in `bulkhead status`: the breach is seen within a second.

# ---- inside the core -----------------------------------------------------------------------------

step      The core comes back after this, is breached in its turn, and opens a connection to the traffic lights.
  inside  bikes/core connect port=@mqtts:signals
  must    be refused by wall seccomp
  because The core has no network at all.

step      He opens the stored data of the traffic lights.
  inside  bikes/core read-file path=@state:zones/signals/store/journal.0
  must    be refused by wall seccomp
  because A core holds its own zone's files, open, and can open no others.

step      He writes into the log that the traffic lights gave the order.
  inside  bikes/core record event=lease zone=signals
  must    be allowed
  because The core writes into its own zone's log and no other, whatever the entry says of itself.

step      An auditor looks for that entry in the log of the traffic lights.
  outside log zone=signals words="event":"lease" tries=1
  must    be refused by rule no such entry
  file    src/programs/ledger/ledger.c
  because Which log an entry goes to is decided by the channel that it comes on.

step      He puts a command for the traffic lights into the one conduit that leads there.
  inside  bikes/core count kind=wish rest=700
  must    be allowed
  because The conduit is another program. It hears everything and passes on what the charter names.

step      The conduit refused it.
  outside counter compartment=bike-counts/conduit counter=refused_kind
  must    be noticed saying refused_kind: 1
  file    src/programs/conduit/valve.c
  because It carries counts of bicycles and nothing else; the refusal stands in the city's log.

step      He reports three bicycles in one place: few enough to be somebody.
  inside  bikes/core count count=3 rest=700
  must    be allowed
  because Again he may speak.

step      The conduit refused that too.
  outside counter compartment=bike-counts/conduit counter=refused_group
  must    be noticed saying refused_group: 1
  file    src/programs/conduit/valve.c
  because The charter says: groups of ten or more.

step      He reports two hundred false counts at once.
  inside  bikes/core count times=200 count=5000 rest=1500
  must    be allowed
  because One of them will pass: it is what the conduit is for.

step      The conduit passed one and refused 199.
  outside counter compartment=bike-counts/conduit counter=refused_rate least=199
  must    be noticed saying refused_rate: 199
  file    src/programs/conduit/valve.c
  because One count a minute, as the charter says. The traffic lights can be told a wrong number of bicycles;
  because they can be told nothing else, and no command follows from it.

step      The city has seen enough and cuts the bike service off.
  outside cut zone=bikes reason=the_bike_app_was_breached
  must    be allowed saying is an island
  file    src/programs/supervisor/islands.c
  because One command, at once, also when nothing else works any more.

step      He sends one more count.
  inside  bikes/core count count=5000 rest=1500
  must    be allowed
  because He is still inside.

step      Now nothing passes.
  outside counter compartment=bike-counts/conduit counter=refused_cut
  must    be noticed saying refused_cut
  file    src/programs/conduit/valve.c
  because An island's conduits pass nothing.

step      The app developer asks for a token for the bikes.
  outside token as=app-developer zone=bikes
  must    be refused by rule zone bikes is cut off: the bike app was breached
  file    src/programs/judge/request.c
  because Nobody reads from an island either, and everybody learns why.

step      The core is replaced by a clean one, and the zone is joined again.
  outside rejoin zone=bikes
  must    be allowed
  because In the city this takes two people's approval, on the record.

step      He asks for a green light on every channel that the core of the bike service holds.
  inside  bikes/core wish-everywhere device=junction-a0
  must    be refused by rule none of which leads to a warden
  file    src/programs/supervisor/plan.c
  because The charter gives bikes no commands, so there is no program that could sign one and no way to ask.

step      Suppose that a lease with his own signature reached a traffic light all the same.
  outside obey device=junction-a0 zone=signals forged=yes
  must    be refused by rule a cryptographic check failed
  file    src/grant/lease.c
  because The light itself holds the public key of its zone's warden and acts on no other signature.

step      A person at the desk of the traffic lights asks for a green.
  outside command as=operator zone=signals device=junction-a0 command=phase-request parameters=phase:1
  must    be allowed saying a lease
  because All that time the traffic lights worked on, and took their orders from who may give them.
