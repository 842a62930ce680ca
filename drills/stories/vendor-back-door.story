# Told of the demo city.
story     The vendor's back door
attacker  The maker of a pump that the city bought. The pump is enrolled, its certificate is true, and its firmware
attacker  does what its maker tells it from far away.
wants     To be everywhere that one pump can bring him: other pumps' readings, other services, a city that drowns in
wants     messages.
city      demo.charter
device    pump-north in water
device    pump-south in water
device    junction-a0 in signals

step      The pump introduces itself and gets a place for its readings.
  outside join as=pump-north zone=water class=water-level stream=level
  must    be allowed
  because It is the city's own pump.

step      Another maker's pump does the same.
  outside join as=pump-south zone=water class=water-level stream=level
  must    be allowed
  because So that there is somebody to attack.

step      The pump reports the level of its tank.
  outside publish as=pump-north zone=water result=3.5
  must    be allowed saying acknowledged
  because What it measures is welcome.

step      It reports a level for the other pump.
  outside publish as=pump-north zone=water to=pump-south result=99
  must    be refused by rule this device has no Datastream
  file    src/programs/core/ingest.c
  because A device writes what is its own. Whose it is stands in the certificate, not in the message.

step      It names the other pump's readings in the body and its own in the address.
  outside publish as=pump-north zone=water body={"result":99,"Datastream":{"@iot.id":2}}
  must    be refused by rule differ
  file    src/programs/core/ingest.c
  because Two answers to the question of whose they are is one too many.

step      It publishes a command.
  outside publish as=pump-north zone=water topic=leases/pump-south result=1
  must    be refused by rule reason 0x
  file    src/sensorthings/path.c
  because Commands come from the warden of a zone. A protected zone has none: no command path exists at all.

step      It listens to the commands for the other pump.
  outside subscribe as=pump-north zone=water topic=leases/pump-south
  must    be refused by rule reason 0x87
  file    src/programs/core/topics.c
  because A device hears what is meant for it.

step      It listens to everything.
  outside subscribe as=pump-north zone=water topic=#
  must    be refused by rule reason 0x
  file    src/programs/core/topics.c
  because There are no wildcards.

step      It listens to the other pump's readings.
  outside subscribe as=pump-north zone=water to=pump-south
  must    be refused by rule reason 0x
  file    src/programs/core/topics.c
  because They are not its own.

step      It asks for every device that there is.
  outside look as=pump-north zone=water target=/v1.1/Things
  must    be allowed saying 1 rows
  because It sees one device: itself. The others do not exist for it.

step      It goes to the traffic lights with its certificate.
  outside session as=pump-north zone=signals
  must    be refused by rule no session in zone signals
  file    src/programs/gate/identity.c
  because Each zone has an issuer of its own; a pump's certificate is nobody's certificate there.

step      It calls itself the other pump, with its own certificate.
  outside session as=pump-north zone=water id=pump-south
  must    be allowed saying a session as pump-north
  file    src/programs/core/sessions.c
  because Who it is stands in the certificate. A client id is a name within what is its own: the session of the other
  because pump under the same id is another session.

step      It dates a reading an hour ahead.
  outside publish as=pump-north zone=water result=3.6 time=3600
  must    be refused by rule 10 minutes in the future
  file    src/programs/core/ingest.c
  because A false clock would place readings where nobody looks.

step      It dates a reading a week back.
  outside publish as=pump-north zone=water result=3.4 time=-604800
  must    be allowed saying acknowledged
  because A pump that had no connection for a week may report late. The city keeps beside it when it heard of it.

step      It sends the same reading again and again.
  outside publish as=pump-north zone=water result=3.41 time=-60 times=5
  must    be allowed saying acknowledged each time
  because A device whose acknowledgement was lost must be able to say it again.

step      An auditor looks how often it is there.
  outside ask as=auditor zone=water purpose=compliance target=/v1.1/Observations?$filter=result%20eq%203.41
  must    be allowed saying 1 rows
  file    src/store/embedded/batch.c
  because Once. What was said five times happened once.

step      It sends text where a level belongs.
  outside publish as=pump-north zone=water result="high"
  must    be refused by rule asks for a number
  file    src/programs/core/ingest.c
  because What kind of thing a reading is was said when the pump was introduced.

step      It sends a number without end.
  outside publish as=pump-north zone=water result=1e999
  must    be refused by rule reason 0x
  file    src/sensorthings/observation.c
  because Infinity is no level of water.

step      It sends a message that is not JSON.
  outside publish as=pump-north zone=water body={"result":
  must    be refused by rule reason 0x
  file    src/sensorthings/json.c
  because It is read to the last byte, or not at all.

step      It sends a reading of 200 kilobytes.
  outside publish as=pump-north zone=water size=200000
  must    be refused by rule reason 0x95
  file    src/mqtt/packet.c
  because Long messages are refused by their announced length, before any room is made for them.

step      It sends what is no message at all, in three ways.
  outside garbage as=pump-north zone=water
  must    be refused by rule each ended the connection
  file    src/mqtt/packet.c
  because Strangers' bytes are read by a program that holds no data; it may hang up at any byte.

step      It sends as fast as it can.
  outside flood as=pump-north zone=water count=30000
  must    be refused by rule messages a second from this device
  file    src/programs/core/ingest.c
  because One device may use a quarter of its zone's rate.

step      The other pump reports its level meanwhile.
  outside publish as=pump-south zone=water result=4.1
  must    be allowed saying acknowledged
  because The others do not suffer.

step      The traffic lights' devices are heard too.
  outside session as=junction-a0 zone=signals
  must    be allowed
  because And nobody in another zone noticed.

step      An auditor asks the water zone who tried what.
  outside log zone=water words="event":"anchor" tries=30
  must    be allowed
  because Each refusal is a leaf of the zone's journal, whose head stands in the published log ten times a second.
