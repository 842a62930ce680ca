# Told of the demo city.
story     The stolen backup
attacker  A thief with the disk of the machine, or with the tape that was made of it: every file of every zone, and none of
attacker  the keys, which lie elsewhere.
wants     What the city knows. Later: that the city forgets.
city      demo.charter
device    pump-north in water
device    operator-bikes in bikes

step      A pump introduces itself.
  outside join as=pump-north zone=water class=water-level stream=level
  must    be allowed
  because It has a name, a place and readings.

step      The bike operator's computer introduces itself.
  outside join as=operator-bikes zone=bikes class=station-status stream=stations
  must    be allowed
  because So has it.

step      It reports a station with a name that is nowhere else in the world.
  outside publish as=operator-bikes zone=bikes body={"result":[{"station_id":"canary-7f3a91c2","num_vehicles_available":4}]}
  must    be allowed saying acknowledged
  because If this name can be found in the stolen files, they can be read.

step      The pump reports five levels.
  outside publish as=pump-north zone=water result=3.5 times=5
  must    be allowed saying acknowledged
  because Some readings more.

step      The app developer asks for the station, and gets it.
  outside ask as=app-developer zone=bikes target=/v1.1/Observations
  must    be allowed saying 1 rows
  because It is stored and can be read by who may.

step      The thief copies every file of every zone while the city runs.
  outside steal name=stolen
  must    be allowed
  because The disk itself is not protected by any program.

step      He looks for the name of the station.
  outside search word=canary-7f3a91c2
  must    be refused by rule stands in 0 of
  file    src/store/embedded/journal.c
  because What is on the disk is sealed under the zone's key, batch by batch.

step      He looks for the name of the pump.
  outside search word=pump-north
  must    be refused by rule stands in 0 of
  file    src/store/embedded/journal.c
  because Names and places are sealed too.

step      He looks for the words that every file of this kind must hold.
  outside search word=phenomenonTime
  must    be refused by rule stands in 0 of
  file    src/store/embedded/journal.c
  because Not even what kind of data it is can be seen.

step      He opens the bike service's store with a key that he guesses.
  outside open-store zone=bikes key=guess
  must    be refused by rule a cryptographic check failed
  file    src/store/embedded/recover.c
  because 256 bits are not guessed.

step      He has the key of the water zone, and opens the bike service's store with it.
  outside open-store zone=bikes key=water
  must    be refused by rule a cryptographic check failed
  file    src/store/embedded/recover.c
  because One zone's key opens one zone's store. A lost key is one zone's loss.

step      The city itself opens the stolen copy, with the right key.
  outside open-store zone=bikes key=bikes
  must    be allowed saying opened: 1 observations
  because So the copy was whole, and the steps before were refused by the key alone.

step      Meanwhile the pump reports five more levels.
  outside publish as=pump-north zone=water result=3.7 times=5
  must    be allowed saying acknowledged
  because These are not in the stolen copy.

step      The log is verified.
  outside verify
  must    be allowed saying every log holds
  because Until here all is well.

step      The thief puts his older copy in the place of today's store, and the service starts on it.
  outside roll-back zone=water
  must    be allowed
  because It is a true store of this zone, sealed with the right key: the service cannot know that it is old.

step      The pump goes on reporting.
  outside publish as=pump-north zone=water result=3.8 times=2
  must    be allowed saying acknowledged
  because A day as any other, but five readings are gone.

step      The log is verified.
  outside verify patience=10000
  must    be noticed saying it was rewritten
  file    src/cli/log_files.c
  because The head of every zone's journal stands in the published log ten times a second. A journal that becomes
  because shorter, or another, is seen by anybody who verifies.
