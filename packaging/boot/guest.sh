#!/bin/bash
# Runs as root on a Debian that systemd has booted, with the package in /root/assay.deb: installs it, has functions run
# under the unit, upgrades it, removes it, and looks at what each leaves. Prints a line for each check.
failed=0
check() { # check WHAT COMMAND...
  local what=$1 said
  shift
  if said=$("$@" 2>&1); then
    echo "ok    $what"
  else
    echo "FAIL  $what: $*"
    echo "$said" | tail -20
    failed=1
  fi
}
says() { # says WORDS COMMAND...: the command prints these words
  local words=$1 said
  shift
  said=$("$@" 2>&1)
  grep -qF -- "$words" <<<"$said" && return
  echo "$said"
  return 1
}
not() { ! "$@"; }
# As the unit would: what a process of the unit may do.
inside() {
  sed -e "s|^ExecStart=.*|ExecStart=$*|" -e 's/^Type=.*/Type=oneshot/' -e '/^Restart/d' -e 's|assay$|inside|;s|/var/lib/assay|/var/lib/inside|' \
    -e 's/^User=.*/User=assay/;s/^Group=.*/Group=assay/' /usr/lib/systemd/system/assay.service >/run/systemd/system/inside.service
  systemctl daemon-reload
  systemctl start inside
  journalctl -u inside -o cat --no-pager
  systemctl reset-failed inside 2>/dev/null # one that is meant to fail is no finding
}

ip link set lo up
check "installs" dpkg -i /root/assay.deb
check "starts nothing by itself" not systemctl is-active assay
mkdir /etc/assay/functions
cat >/etc/assay/functions/main.py <<'END'
import os
def handler(event, context):
    taken = bytearray(event.get("take", 0) << 20)
    status = open("/proc/self/status").read()
    seen = {place: os.path.exists(place) for place in ("/var/lib/assay", "/home")}
    children = os.popen("echo child").read()
    return {"user": os.getuid(), "alone": os.getpid() < 20, "children": children, "seen": seen, "caps": "CapEff:\t0000000000000000" in status}
END
cat >/etc/assay/assay.yaml <<'END'
functions:
  hello: {runtime: python3, handler: main.handler, code: functions, memory: 128, timeout: 60s}
END
check "starts" systemctl enable --now assay
check "is ready when it has started" curl -sf http://127.0.0.1:8090/readyz
check "enforces everything" says "enforced      memory, cpu, pids, freeze, mounts, network, user" assay describe hello
check "a function runs" says '"user":993' assay invoke hello
check "it has processes of its own" says '"children":"child\n"' assay invoke hello
check "it sees neither data nor homes" says '"seen":{"/var/lib/assay":false,"/home":false}' assay invoke hello
check "it has no capabilities" says '"caps":true' assay invoke hello
check "it ends at its memory limit" says "OutOfMemory" assay invoke hello -p '{"take": 200}'
check "and runs again" says '"user":993' assay invoke hello
check "doctor finds nothing lacking of the sandbox" not says "lacking  sandbox" inside /usr/bin/assay doctor --data /var/lib/inside
check "writes nowhere else" says "Read-only file system" inside /usr/bin/touch /usr/new
sed -i 's/memory: 128/memory: 256/' /etc/assay/assay.yaml
check "takes changed definitions" timeout 60 bash -c 'until assay describe hello | grep -q "256 MB"; do sleep 1; done'
before=$(systemctl show -p MainPID --value assay)
check "upgrades" dpkg -i /root/assay.deb
check "the new version has taken over" test "$(systemctl show -p MainPID --value assay)" != "$before"
check "and is ready" curl -sf http://127.0.0.1:8090/readyz
check "with the definitions" says "256 MB" assay describe hello
check "it ends in time" bash -c 'systemctl restart assay && test "$(systemctl show -p Result --value assay)" = success'
kill -9 "$(systemctl show -p MainPID --value assay)"
check "comes up again after a kill" timeout 120 bash -c 'until curl -sf http://127.0.0.1:8090/readyz; do sleep 1; done'
check "and functions run" says '"user":993' assay invoke hello
check "is removed" dpkg -r assay
check "nothing runs" not pgrep -u assay
check "the evidence stays" test -f /var/lib/assay/assay.db -a -f /etc/assay/assay.yaml
check "is purged" dpkg -P assay
check "nothing of it stays" not ls /var/lib/assay /etc/assay/assay.yaml /etc/default/assay
check "people's own files do" test -f /etc/assay/functions/main.py
check "no unit failed" bash -c 'test -z "$(systemctl list-units --failed --no-legend --no-pager | tee /dev/stderr)"'
[ $failed = 0 ] && echo "BOOT PASSED" || echo "BOOT FAILED"
