# Bulkhead. `make` builds build/bulkhead and build/libexec/bulkhead-*; `make check` runs the unit
# tests and replays the corpus. MODE=asan, fuzz, afl and coverage build beside, in build/asan and so on.
# A file's name says what becomes of it: X_test.c a test, X_fuzz.c a fuzz target, NAME_main.c a
# program; every other .c under src/ goes into the library that they are linked with.

MODE ?= release
CC := gcc
ifeq ($(MODE),release)
B := build
else
B := build/$(MODE)
endif

PACKAGES := libsodium libssl libcrypto sqlite3 libzstd libseccomp libcjson
PACKAGE_CFLAGS := $(shell pkg-config --cflags $(PACKAGES))
LIBS := $(shell pkg-config --libs $(PACKAGES)) -lm
TEST_LIBS := -lcmocka

WARN := -Wall -Wextra -Wshadow -Wconversion -Wswitch-enum -Wvla -Walloca -Wcast-qual \
	-Wstrict-prototypes -Wmissing-prototypes -Wundef -Wformat=2 -Werror
# Not -ftrivial-auto-var-init: gcc 12 clears padding at the wrong place and with it what was initialised
# (src/base/compiler_test.c).
HARDEN := -fPIE -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
LINK_HARDEN := -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,defs
CFLAGS_release := -O2 -g -D_FORTIFY_SOURCE=3 $(HARDEN)
CFLAGS_dev := -O0 -g $(HARDEN)
CFLAGS_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
CFLAGS_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
CFLAGS_afl := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all
CFLAGS_coverage := -O0 -g -fprofile-instr-generate -fcoverage-mapping
LDFLAGS_release := $(LINK_HARDEN)
LDFLAGS_dev := $(LINK_HARDEN)
LDFLAGS_asan := -fsanitize=address,undefined
LDFLAGS_fuzz := -fsanitize=address,undefined
LDFLAGS_afl := -fsanitize=address,undefined
LDFLAGS_coverage := -fprofile-instr-generate
ifneq ($(filter $(MODE),fuzz afl coverage),)
CC := $(if $(filter afl,$(MODE)),afl-clang-fast,clang-14)
WARN += -Wno-unused-command-line-argument -Wno-string-conversion
endif
# No fused multiply-add: a decision is the same to the last bit on every machine.
CFLAGS := -std=gnu17 -ffp-contract=off -D_GNU_SOURCE -Isrc -I. -MMD -MP $(WARN) $(CFLAGS_$(MODE)) $(PACKAGE_CFLAGS)
LDFLAGS := $(LDFLAGS_$(MODE))

SOURCES := $(shell find src -name '*.c' | LC_ALL=C sort)
TEST_SOURCES := $(filter %_test.c,$(SOURCES))
FUZZ_SOURCES := $(filter %_fuzz.c,$(SOURCES))
MAIN_SOURCES := $(filter %_main.c,$(SOURCES))
# What makes a zone a bike zone is linked into that zone's programs only.
SERVICE_SOURCES := $(filter src/services/%,$(filter-out $(TEST_SOURCES) $(FUZZ_SOURCES) $(MAIN_SOURCES),$(SOURCES)))
LIB_SOURCES := $(filter-out $(TEST_SOURCES) $(FUZZ_SOURCES) $(MAIN_SOURCES) $(SERVICE_SOURCES),$(SOURCES))
SERVICES := $(notdir $(patsubst %/,%,$(sort $(dir $(wildcard src/services/*/*.c)))))

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
LIB := $(B)/libbulkhead.a
TESTS := $(patsubst src/%.c,$(B)/tests/%,$(TEST_SOURCES))
FIELD_FUZZ_SOURCES := $(shell find field -name '*_fuzz.c')
FUZZERS := $(patsubst src/%.c,$(B)/fuzz/%,$(FUZZ_SOURCES)) $(patsubst %.c,$(B)/fuzz/%,$(FIELD_FUZZ_SOURCES))
MAINS := $(patsubst %_main.c,%,$(notdir $(filter src/programs/%,$(MAIN_SOURCES))))
PLAIN_PROGRAMS := $(filter-out core warden,$(MAINS))
PROGRAMS := $(PLAIN_PROGRAMS) $(foreach s,$(SERVICES),core-$(s) $(if $(wildcard src/services/$(s)/envelope.c),warden-$(s)))
LIBEXEC := $(PROGRAMS:%=$(B)/libexec/bulkhead-%)
# Not programs, but what these share: common all of them, lights those that hold an intersection's lights.
FIELD_SHARED := common lights
FIELD_LIGHTS := sumo
FIELD := $(filter-out $(FIELD_SHARED),$(patsubst field/%/,%,$(sort $(dir $(wildcard field/*/*.c)))))
FIELD_PROGRAMS := $(FIELD:%=$(B)/field/%)
FIELD_TESTS := $(patsubst %.c,$(B)/tests/%,$(shell find field -name '*_test.c' 2>/dev/null))
FIELD_LIBS := $(shell pkg-config --libs libmosquitto libcurl)
# The adapter alone speaks SNMP.
FIELD_LIBS_ntcip := -lnetsnmp
# Networks come compressed too.
FIELD_LIBS_sumo := -lz

# V=1 shows the whole commands.
ifeq ($(V),1)
Q :=
else
Q = @echo "  $(patsubst $(B)/%,%,$@)" &&
endif

.PHONY: starve open fast all check drill-kill programs fuzz clean tidy format format-check arrows analyze drills
.SUFFIXES:
.SECONDARY:
all: programs drills open fast
programs: $(B)/bulkhead $(LIBEXEC) $(B)/libexec/bulkhead-witness $(FIELD_PROGRAMS)

# Words that services add to the charter language, one list for the checker: found, not registered.
WORDS := $(sort $(wildcard src/services/*/*.words.def))
$(B)/gen/words.h: $(WORDS)
	@mkdir -p $(@D)
	@{ for f in $(WORDS); do s=$${f#src/services/}; echo "SERVICE($${s%%/*})"; \
	echo "#include \"$${f#src/}\""; echo "SERVICE_END($${s%%/*})"; done; } > $@
CFLAGS += -I$(B)/gen
$(call obj,src/charter/vocabulary.c): $(B)/gen/words.h

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(Q) $(CC) $(CFLAGS) -c -o $@ $<

$(LIB): $(call obj,$(filter-out src/base/test_main.c,$(LIB_SOURCES)))
	@rm -f $@
	@$(AR) rcs --thin $@ $^

$(B)/bulkhead: $(call obj,src/cli/bulkhead_main.c) $(LIB)
	@mkdir -p $(@D)
	$(Q) $(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

# A witness is no part of a city: an outside body builds it alone, `make witness`, with two libraries.
WITNESS_OBJS := $(call obj,$(filter-out %_test.c %_fuzz.c %/test_main.c %/log.c %/log_main.c,$(wildcard src/base/*.c \
	src/ledger/*.c src/http/*.c src/witness/*.c)) $(addprefix src/runtime/,loop.c log.c sandbox.c))
$(B)/libexec/bulkhead-witness: $(WITNESS_OBJS)
	@mkdir -p $(@D)
	$(Q) $(CC) $(LDFLAGS) -o $@ $^ $(shell pkg-config --libs libsodium libseccomp) -lm
.PHONY: witness
witness: $(B)/libexec/bulkhead-witness

objs_of = $(call obj,$(filter-out %_test.c %_fuzz.c %_main.c,$(wildcard $(1)/*.c $(1)/*/*.c)))
define program
$(B)/libexec/bulkhead-$(1): $(call obj,src/programs/$(1)/$(1)_main.c) $(LIB)
	@mkdir -p $$(@D)
	$$(Q) $$(CC) $$(LDFLAGS) -o $$@ $$^ $$(LIBS)
endef
# A core has its service but for the envelope; a warden has the envelope and nothing else.
service_objs = $(if $(filter warden,$(2)),$(call obj,src/services/$(1)/envelope.c),$(filter-out %/envelope.o,$(call objs_of,src/services/$(1))))
define service_program
$(B)/libexec/bulkhead-$(2)-$(1): $(call obj,src/programs/$(2)/$(2)_main.c) $(call service_objs,$(1),$(2)) $(LIB)
	@mkdir -p $$(@D)
	$$(Q) $$(CC) $$(LDFLAGS) -o $$@ $$^ $$(LIBS)
endef
field_shared_objs = $(call objs_of,field/common) $(if $(filter $(1),$(FIELD_LIGHTS)),$(call objs_of,field/lights))
define field_program
$(B)/field/$(1): $(call objs_of,field/$(1)) $(call field_shared_objs,$(1)) $(LIB)
	@mkdir -p $$(@D)
	$$(Q) $$(CC) $$(LDFLAGS) -o $$@ $$^ $$(LIBS) $$(FIELD_LIBS) $$(FIELD_LIBS_$(1))
endef
$(foreach p,$(PLAIN_PROGRAMS),$(eval $(call program,$(p))))
$(foreach s,$(SERVICES),$(foreach k,core warden,$(eval $(call service_program,$(s),$(k)))))
$(foreach f,$(FIELD),$(eval $(call field_program,$(f))))

# The drill's programs: the same objects, and one more that fills the hook at the end of
# sandbox_close(). Production programs have nothing there.
DRILL_HOOK := $(call obj,drills/hook.c)
DRILLS := $(patsubst %,$(B)/libexec/drill/bulkhead-%,$(filter-out supervisor,$(PROGRAMS)))
define drill_program
$(B)/libexec/drill/bulkhead-$(1): $(B)/libexec/bulkhead-$(1) $(DRILL_HOOK)
	@mkdir -p $$(@D)
	$$(Q) $$(CC) $$(LDFLAGS) -rdynamic -o $$@ $$(filter %.o,$$(DRILL_LINK_$(1))) $(DRILL_HOOK) $(LIB) $$(LIBS) -ldl
endef
$(foreach p,$(PLAIN_PROGRAMS),$(eval DRILL_LINK_$(p) := $(call obj,src/programs/$(p)/$(p)_main.c)))
$(foreach s,$(SERVICES),$(foreach k,core warden,$(eval DRILL_LINK_$(k)-$(s) := $(call obj,src/programs/$(k)/$(k)_main.c) $(call service_objs,$(s),$(k)))))
# Our own attempts are payloads like anybody's. Those that speak the internal messages take their
# encoders from the program that loads them, which is linked -rdynamic. The sweep knows the programs'
# system-call tables, as whoever reads them does.
PAYLOADS := attempts sweep matrix stories/moves
PAYLOAD_OBJECTS := $(PAYLOADS:%=$(B)/libexec/drill/%.so)
# Stories are read where the drill's programs are, with the city that they are told of.
STORIES := $(patsubst drills/%,$(B)/libexec/drill/%,$(wildcard drills/stories/*.story drills/stories/*.charter)) \
	$(B)/libexec/drill/stories/demo.charter
$(B)/libexec/drill/stories/%: drills/stories/%
	@mkdir -p $(@D)
	$(Q) cp $< $@
$(B)/libexec/drill/stories/%.charter: charters/%.charter
	@mkdir -p $(@D)
	$(Q) cp $< $@
define payload
$(B)/libexec/drill/$(1).so: $(wildcard drills/$(1)/*.[ch] drills/$(1)/*.def) drills/payload.h drills/attempts/attempt.h drills/attempts/table.h $(wildcard src/programs/*.def src/*/*.seccomp.def src/programs/*/*.seccomp.def src/runtime/*.h src/programs/*.h src/wire/*.h)
	@mkdir -p $$(@D)
	$$(Q) $$(CC) -std=gnu17 -D_GNU_SOURCE -I. -Isrc -O1 -g -fPIC -shared -Wall -Wextra -Werror -o $$@ $$(filter %.c,$$^)
endef
$(foreach p,$(PAYLOADS),$(eval $(call payload,$(p))))
ifneq ($(wildcard drills/hook.c),)
$(foreach p,$(filter-out supervisor,$(PROGRAMS)),$(eval $(call drill_program,$(p))))
drills: $(DRILLS) $(PAYLOAD_OBJECTS) $(STORIES)
endif

# Receivers of messages, each with its real handlers and somebody breached at its other end.
MESSAGES := conduit core gate judge ledger supervisor tools warden
define messages
$(B)/drills/messages-$(1): $(call obj,drills/messages/$(1).c drills/messages/maker.c drills/messages/play.c) $(if $(filter warden,$(1)),$(call obj,src/services/signals/envelope.c)) $(LIB)
	@mkdir -p $$(@D)
	$$(Q) $$(CC) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) $(LIB) $$(LIBS)
endef
$(foreach m,$(MESSAGES),$(eval $(call messages,$(m))))
.PHONY: messages
messages: $(MESSAGES:%=$(B)/drills/messages-%)

# Test clients that stand at the device's side.
$(B)/tests/city/loader $(B)/tests/load/probe $(B)/tests/secrets/scan: $(B)/tests/%: $(B)/obj/tests/%.o $(call objs_of,field/common) $(LIB)
	@mkdir -p $(@D)
	$(Q) $(CC) $(LDFLAGS) -o $@ $^ $(LIBS) $(FIELD_LIBS)
$(B)/tests/load/phases $(B)/tests/live/sabotage: $(B)/tests/%: $(B)/obj/tests/%.o $(LIB)
	@mkdir -p $(@D)
	$(Q) $(CC) $(LDFLAGS) -o $@ $^

# Random, late, doubled and hostile events against the machine that holds the lights.
STORM_OBJS := $(call obj,tests/signals/envelope/storm.c tests/signals/envelope/shapes.c tests/signals/envelope/checker.c)
FIELD_TESTS_LIGHTS = $(filter $(B)/tests/field/lights/%,$(FIELD_TESTS))
$(B)/tests/signals/envelope/storm: $(call obj,tests/signals/envelope/storm_main.c) $(STORM_OBJS) $(call objs_of,field/lights) $(LIB)
	@mkdir -p $(@D)
	$(Q) $(CC) $(LDFLAGS) -o $@ $^ $(LIBS)
$(FIELD_TESTS_LIGHTS) $(B)/fuzz/field/lights/lights_fuzz: $(STORM_OBJS)

# Writes a store whose secrets must go, and looks for them on a disk.
$(B)/tests/store/retention: $(B)/obj/tests/store/retention.o $(LIB)
	@mkdir -p $(@D)
	$(Q) $(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

# Breaks the processes of a running city.
$(B)/drills/kill: $(call obj,drills/kill/kill.c drills/kill/faults.c drills/kill/bystander.c) $(LIB)
	@mkdir -p $(@D)
	$(Q) $(CC) $(LDFLAGS) -o $@ $^ $(LIBS)
# The drill of floods: a core and a gate with one object more, an attacker who waits to be told.
STARVED := core-bikes gate
$(STARVED:%=$(B)/drills/starve/bulkhead-%): $(B)/drills/starve/bulkhead-%: $(B)/libexec/bulkhead-% $(call obj,drills/starve/hook.c)
	@mkdir -p $(@D)
	$(Q) $(CC) $(LDFLAGS) -o $@ $(filter %.o,$(DRILL_LINK_$*)) $(call obj,drills/starve/hook.c) $(LIB) $(LIBS)
$(B)/drills/starve/handshakes: $(call obj,drills/starve/handshakes.c)
	@mkdir -p $(@D)
	$(Q) $(CC) $(LDFLAGS) -o $@ $^ -lssl -lcrypto
starve: $(STARVED:%=$(B)/drills/starve/bulkhead-%) $(B)/drills/starve/handshakes $(B)/tests/load/probe $(B)/tests/load/phases
drill-kill: programs $(B)/drills/kill $(B)/tests/load/probe
	@drills/kill/run --rounds 1000 --rate 100

# A gate without TLS and a core without rights, for suites that know neither (tests/open). Other objects
# at link time: nothing that a charter, an option or a message can say makes a production program such a one.
OPEN_WRAPS_gate := mqtt_session_init mqtt_session_answer connection_end
OPEN_WRAPS_core-telemetry := rights_of rights_names_once caller_check start_class core_open commander_publishes
OPEN_WRAPS_core-signals := $(OPEN_WRAPS_core-telemetry)
OPEN_OBJECT_gate := $(call obj,tests/open/plain.c)
OPEN_OBJECT_core-telemetry := $(call obj,tests/open/rights.c)
OPEN_OBJECT_core-signals := $(OPEN_OBJECT_core-telemetry)
OPEN := gate core-telemetry core-signals
define open_program
$(B)/tests/open/libexec/bulkhead-$(1): $(B)/libexec/bulkhead-$(1) $(OPEN_OBJECT_$(1))
	@mkdir -p $$(@D)
	$$(Q) $$(CC) $$(LDFLAGS) $(OPEN_WRAPS_$(1):%=-Wl,--wrap=%) -o $$@ $$(filter %.o,$$(DRILL_LINK_$(1))) $(OPEN_OBJECT_$(1)) $(LIB) $$(LIBS)
endef
$(foreach p,$(OPEN),$(eval $(call open_program,$(p))))
open: $(OPEN:%=$(B)/tests/open/libexec/bulkhead-%)

# A city whose clock the street moves (tests/signals/fast): other objects at link time, like the open one.
FAST_OBJECTS := $(call obj,tests/signals/fast/page.c tests/signals/fast/city.c)
FAST_WRAPS := clock_system epoll_wait
FAST := supervisor ledger judge gate core-signals warden-signals
define fast_program
$(B)/tests/signals/fast/libexec/bulkhead-$(1): $(B)/libexec/bulkhead-$(1) $(FAST_OBJECTS)
	@mkdir -p $$(@D)
	$$(Q) $$(CC) $$(LDFLAGS) $(FAST_WRAPS:%=-Wl,--wrap=%) -o $$@ $$(filter %.o,$$(DRILL_LINK_$(1))) $(FAST_OBJECTS) $(LIB) $$(LIBS)
endef
$(foreach p,$(FAST),$(eval $(call fast_program,$(p))))
FAST_STREET := $(call obj,tests/signals/fast/page.c tests/signals/fast/street.c)
FAST_STREET_WRAPS := clock_system field_publish $(addprefix answers_,begin ask look over end)
$(B)/tests/signals/fast/libexec/sumo: $(B)/field/sumo $(FAST_STREET)
	@mkdir -p $(@D)
	$(Q) $(CC) $(LDFLAGS) $(FAST_STREET_WRAPS:%=-Wl,--wrap=%) -o $@ $(call objs_of,field/sumo) $(call field_shared_objs,sumo) $(FAST_STREET) $(LIB) $(LIBS) $(FIELD_LIBS) $(FIELD_LIBS_sumo)
fast: $(FAST:%=$(B)/tests/signals/fast/libexec/bulkhead-%) $(B)/tests/signals/fast/libexec/sumo

# Draws charters for the test of the matrix.
$(B)/tests/matrix/generate: $(call obj,tests/matrix/generate.c) $(LIB)
	@mkdir -p $(@D)
	$(Q) $(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

# The load generators of the benches share bench/lib.
$(B)/bench/%/generator: bench/%/generator.c bench/lib/client.c bench/lib/client.h
	@mkdir -p $(@D)
	$(Q) $(CC) -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -o $@ $(filter %.c,$^) -lssl -lcrypto

# A test links with its own folder's objects when it tests a service, with the library always.
$(B)/tests/%_test: $(B)/obj/src/%_test.o $(call obj,src/base/test_main.c) $(LIB)
	@mkdir -p $(@D)
	$(Q) $(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIB) $(LIBS) $(TEST_LIBS)
$(foreach s,$(SERVICES),$(eval $(filter $(B)/tests/services/$(s)/%,$(TESTS)): $(call objs_of,src/services/$(s))))
$(B)/tests/field/%_test: $(B)/obj/field/%_test.o $(call obj,src/base/test_main.c) $(LIB)
	@mkdir -p $(@D)
	$(Q) $(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIB) $(LIBS) $(FIELD_LIBS) $(FIELD_LIBS_$(*D)) $(TEST_LIBS)
# All of a field program but its main().
$(foreach f,$(FIELD) $(FIELD_SHARED),$(eval field_objs_$(f) := $(sort $(filter-out %/$(f)/$(f).o,$(call objs_of,field/$(f))) $(call field_shared_objs,$(f)))))
$(foreach f,$(FIELD) $(FIELD_SHARED),$(eval $(filter $(B)/tests/field/$(f)/%,$(FIELD_TESTS)): $(field_objs_$(f))))
# The half of the NTCIP adapter that talks to the controller, driven by a test.
$(B)/tests/ntcip/drive: $(call obj,tests/ntcip/drive.c) $(field_objs_ntcip) $(LIB)
	@mkdir -p $(@D)
	$(Q) $(CC) $(LDFLAGS) -o $@ $^ $(LIBS) $(FIELD_LIBS) $(FIELD_LIBS_ntcip)

# Fuzz targets: in the ordinary build a main that replays files, with clang libFuzzer's own, for AFL++
# one that takes an input after the other. They link with what a test of their folder links with.
FUZZ_MAIN_fuzz :=
FUZZ_MAIN_afl := $(call obj,tests/fuzz_afl.c)
FUZZ_MAIN = $(if $(filter undefined,$(origin FUZZ_MAIN_$(MODE))),$(call obj,tests/fuzz_replay.c),$(FUZZ_MAIN_$(MODE)))
FUZZ_LINK = $(Q) $(CC) $(LDFLAGS) $(if $(filter fuzz,$(MODE)),-fsanitize=fuzzer) -o $@ $(filter %.o,$^) $(filter-out $(LIB),$(filter %.a,$^)) $(LIB) $(LIBS)
$(B)/fuzz/%_fuzz: $(B)/obj/src/%_fuzz.o $(FUZZ_MAIN) $(LIB)
	@mkdir -p $(@D)
	$(FUZZ_LINK)
$(foreach s,$(SERVICES),$(eval $(filter $(B)/fuzz/services/$(s)/%,$(FUZZERS)): $(call objs_of,src/services/$(s))))
$(B)/fuzz/field/%_fuzz: $(B)/obj/field/%_fuzz.o $(FUZZ_MAIN) $(LIB)
	@mkdir -p $(@D)
	$(FUZZ_LINK) $(FIELD_LIBS) $(FIELD_LIBS_$(*D))
# A field program's objects come as an archive: of a file that a target defines itself, or includes
# to reach what is static in it, the program's own copy is left out.
define field_archive
$(B)/fuzz/field/$(1).a: $(field_objs_$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	@$$(AR) rcs --thin $$@ $$^
$(filter $(B)/fuzz/field/$(1)/%,$(FUZZERS)): $(B)/fuzz/field/$(1).a
endef
$(foreach f,$(FIELD) $(FIELD_SHARED),$(eval $(call field_archive,$(f))))

# What networks say of who crosses whom, against their own phases.
$(B)/tests/signals/envelope/networks: $(call obj,tests/signals/envelope/networks.c bench/signals/ground.c bench/signals/turns.c) $(STORM_OBJS) $(B)/fuzz/field/sumo.a $(LIB)
	@mkdir -p $(@D)
	$(Q) $(CC) $(LDFLAGS) -o $@ $^ $(LIBS) $(FIELD_LIBS_sumo)

# Street, executors and planner in one process: what the figures of signals are measured with. Of
# field/sumo it takes what it uses, from the archive.
$(B)/bench/signals/cities: $(call obj,$(wildcard bench/signals/cities/*.c)) $(B)/fuzz/field/sumo.a $(LIB)
	@mkdir -p $(@D)
	$(Q) $(CC) $(LDFLAGS) -o $@ $^ $(LIBS) $(FIELD_LIBS_sumo)
$(B)/bench/signals/direct: $(call obj,$(wildcard bench/signals/*.c) $(addprefix src/services/signals/,book.c model.c reading.c)) \
	$(call objs_of,src/services/signals/optimize) $(B)/fuzz/field/sumo.a $(LIB)
	@mkdir -p $(@D)
	$(Q) $(CC) $(LDFLAGS) -o $@ $^ $(LIBS) $(FIELD_LIBS_sumo)

# Some tests start the programs themselves.
check: $(TESTS) $(FIELD_TESTS) $(FUZZERS) programs $(if $(filter release,$(MODE)),drills)
	@script/run-unit-tests $(B) $(TESTS) $(FIELD_TESTS) -- $(FUZZERS)

fuzz: $(FUZZERS)

format:
	clang-format-14 -i $(shell git ls-files '*.c' '*.h')
format-check:
	clang-format-14 --dry-run -Werror $(shell git ls-files '*.c' '*.h')
arrows:
	@script/check-arrows
# Every source but tests (drills/messages are such: they include programs), by gcc's analyzer; nothing it
# says is switched off.
ANALYZED := $(filter-out %_test.c %_fuzz.c drills/messages/%,$(SOURCES) $(shell find field drills -name '*.c'))
analyze: $(ANALYZED:%.c=$(B)/analyze/%.ok)
$(B)/analyze/%.ok: %.c $(B)/gen/words.h
	@mkdir -p $(@D)
	$(Q) $(CC) $(CFLAGS) -fanalyzer -MF $(@:.ok=.d) -MT $@ -c -o /dev/null $< && touch $@

clean:
	rm -rf build

-include $(shell find $(B)/obj $(B)/analyze -name '*.d' 2>/dev/null)
