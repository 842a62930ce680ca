# tables.jq: the results of bench/signals/run (one object a simulation) as tables for people.
# A figure of a scenario under a controller is the mean over its seeds; cologne3 is judged by its median.

def mean: if length == 0 then null else add / length end;
def median: if length == 0 then null else sort | if length % 2 == 1 then .[length / 2 | floor]
    else (.[length / 2 - 1] + .[length / 2]) / 2 end end;
def fixed($n): if . == null then "-" else (. * pow(10; $n) | round) as $v
    | if $n == 0 then "\($v)" else
        (if $v < 0 then "-" else "" end) + ($v | fabs | tostring) as $t
        | ($t | ltrimstr("-")) as $d
        | (if $v < 0 then "-" else "" end) + (if ($d | length) <= $n then "0" * ($n + 1 - ($d | length)) + $d else $d end
          | .[:-$n] + "." + .[-$n:]) end end;
def left($n): . + " " * ([$n - length, 1] | max);
def right($n): " " * ([$n - length, 1] | max) + .;
def of($scenario; $controller; $run; $demand): map(select(.scenario == $scenario and .controller == $controller
    and .run == $run and .demand == $demand and .round == 0)) | sort_by(.seed);

# Those from whom some were left out are a scenario of their own.
def labelled: map(if .without_turnarounds_m then .scenario += ", no turning round (\(.without_turnarounds_m) m)" else . end);

# Seeds that both have; [a's, b's] by the same seeds.
def pairs($a; $b): [$a[].seed] as $x | [$b[].seed] as $y
    | [[$a[] | select(.seed as $s | $y | index($s))], [$b[] | select(.seed as $s | $x | index($s))]];
def middle($scenario): if $scenario | startswith("cologne3") then median else mean end;
def ratio($scenario; $a; $b): pairs($a; $b) as $p
    | if ($p[0] | length) == 0 then null
      else ([$p[0][].delay_s] | middle($scenario)) / ([$p[1][].delay_s] | middle($scenario)) end;

def row($rows): $rows as $r | ($r | length) as $n | [$r[].delay_s] as $d
    | ($r[0].controller | left(12)) + ($n | tostring | right(3)) + ($d | mean | fixed(1) | right(8))
    + ("\($d | min | fixed(1))..\($d | max | fixed(1))" | right(16)) + ($d | median | fixed(1) | right(8))
    + ([$r[].delay_95_s] | mean | fixed(0) | right(7)) + ([$r[].waiting_s] | mean | fixed(1) | right(7))
    + ([$r[].stops] | mean | fixed(2) | right(7)) + ([$r[].served] | mean | fixed(0) | right(8))
    + ("\([$r[].unfinished] | mean | fixed(0))/\([$r[].never_inserted] | mean | fixed(0))" | right(11))
    + ("\([$r[].stuck] | mean | fixed(0))/\([$r[] | select(.stuck > 0)] | length)" | right(8))
    + ([$r[].person_delay_s] | mean | fixed(1) | right(8))
    + ([$r[].walker_loss_s | values] | mean | fixed(1) | right(7))
    + ([$r[].co2_kg | values] | mean | fixed(0) | right(8)) + ([$r[].fuel_kg | values] | mean | fixed(0) | right(8))
    + ([$r[].changes_per_hour | values] | mean | fixed(0) | right(6))
    + ([$r[].decision_95_us | values] | mean | fixed(0) | right(8))
    + ([$r[].steps_per_s] | mean | fixed(0) | right(8));
def head: ("controller" | left(12)) + ("n" | right(3)) + ("delay" | right(8)) + ("min..max" | right(16))
    + ("median" | right(8)) + ("p95" | right(7)) + ("wait" | right(7)) + ("stops" | right(7)) + ("served" | right(8))
    + ("unfin/never" | right(11)) + ("stuck/n" | right(8)) + ("person" | right(8)) + ("walk" | right(7))
    + ("CO2 kg" | right(8)) + ("fuel kg" | right(8)) + ("chg/h" | right(6)) + ("dec us" | right(8))
    + ("steps/s" | right(8));

def verdict($value; $must; $aim): if $value == null then "not measured"
    elif $value <= $aim + 1e-9 then "aim" elif $value <= $must + 1e-9 then "must" else "NO" end;
def bar($what; $scenario; $value; $must; $aim): {what: $what, scenario: $scenario, value: $value, must: $must, aim: $aim,
    verdict: verdict($value; $must; $aim)};

# The bars of one run and demand 1; $all: everything.
def bars($all; $run; $scenarios): 
    def get($s; $c): $all | of($s; $c; $run; 1);
    def against($c; $s; $must; $aim): bar("against \($c)"; $s; ratio($s; get($s; "plan"); get($s; $c)); $must; $aim);
    (("cologne1", "ingolstadt1") | against("actuated"; .; 0.58; 0.48)), against("actuated"; "grid4x4"; 0.36; 0.31),
    against("actuated"; "bologna_acosta"; 0.45; 0.38),
    (("cologne1", "ingolstadt1") | against("pressure"; .; 0.90; 0.78)), against("pressure"; "grid4x4"; 0.60; 0.53),
    ($scenarios[] | against("priority"; .; 1.00; 0.88)),
    ($scenarios[] | select(startswith("cologne3")) | against("fixed"; .; 0.52; 0.47),
        (. as $s | get($s; "plan") | bar("gridlocked seeds"; $s; if length > 0 then map(select(.stuck > 0)) | length else null end; 2; 0))),
    against("fixed"; "bologna_acosta"; 0.95; 0.85),
    (pairs(get("bologna_acosta"; "fixed"); get("bologna_acosta"; "plan")) as $p | bar("served less than fixed"; "bologna_acosta";
        if ($p[0] | length) > 0 then ([$p[0][].served] | mean) - ([$p[1][].served] | mean) else null end; 0; 0)),
    (if $run == "a" then ([["cologne1", 27.2], ["ingolstadt1", 22.2], ["grid4x4", 34.0], ["cologne3", 31.5]][]
        | . as $b | bar("against published \($b[1]) s"; $b[0]; ([get($b[0]; "plan")[].delay_s]
            | if length > 0 then middle($b[0]) / $b[1] else null end); 1.02; 0.88)) else empty end),
    ($scenarios[] | select(split(", ")[0] | IN("cologne1", "cologne3", "ingolstadt1", "grid4x4", "bologna_acosta") | not)
        | against("actuated"; .; 0.999; 0.58)), # streets that nothing was tuned to
    ($scenarios[] | against("plan/full"; .; 1.10; 1.04)),
    ($scenarios[] | . as $s | bar("stuck where no baseline is"; $s;
        ([("fixed", "actuated", "pressure", "priority") | get($s; .) | select(length > 0) | map(.stuck) | add] | min) as $b
        | if $b == null or (get($s; "plan") | length) == 0 then null elif $b > 0 then 0 else [get($s; "plan")[].stuck] | add end; 0; 0));

labelled as $all | $all
| ([.[].scenario] | unique) as $scenarios | ([.[].run] | unique) as $runs | ([.[].demand] | unique) as $demands
| ["plan", "plan/full", "priority", "pressure", "fixed", "actuated"] as $order
| ($runs[] as $run
    | "", "run \($run): " + (if $run == "a" then "changes as published; fixed as shipped, actuated too, but people on foot can clear their walks"
        else "3 s yellow and 1 s all-red for everybody" end) + (if $drill != "none" then "; drill \($drill)" else "" end),
      ($scenarios[] as $s | $demands[] as $demand
        | "", "\($s)" + (if $demand != 1 then ", demand x \($demand)" else "" end)
            + ([$all | of($s; $order[]; $run; $demand)[]] | if length > 0 then ", \(.[0].vehicles) vehicles\(if .[0].left_out then ", \(.[0].left_out) left out" else "" end), yellow \(.[0].yellow_s) s"
              else "" end), head,
          ($order[] as $c | $all | of($s; $c; $run; $demand) | select(length > 0) | row(.)),
          (if $demand != 1 then ($all | ratio($s; of($s; "plan"; $run; $demand); of($s; "actuated"; $run; $demand))
              | if . == null then empty else "plan / actuated: \(fixed(2))" + (if . < 1 then "" else "  NO" end) end) else empty end)),
      "", ("bar, run \($run)" | left(56)) + ("measured" | right(9)) + ("must" | right(7)) + ("aim" | right(7)) + "  reached",
      (bars($all; $run; $scenarios) | select(.scenario as $s | $scenarios | index($s))
        | ("\(.what), \(.scenario)" | left(56)) + (.value | fixed(3) | right(9)) + (.must | fixed(2) | right(7))
          + (.aim | fixed(2) | right(7)) + "  " + .verdict)),
  ([group_by([.scenario, .controller, .run, .demand, .seed])[] | select(length > 1) | map(.trips) | unique | length]
    | if length > 0 then "", "measured twice: \(length) pairs, \(map(select(. > 1)) | length) differ" else empty end)
