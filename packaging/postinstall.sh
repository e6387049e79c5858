#!/bin/sh
set -e
if command -v systemd-sysusers >/dev/null 2>&1; then
  systemd-sysusers assay.conf
elif ! getent passwd assay >/dev/null; then
  useradd --system --home-dir /var/lib/assay --shell /usr/sbin/nologin --user-group assay
fi
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  # An upgrade starts the new version where the old one ran; a first install starts nothing by itself.
  systemctl try-restart assay.service
fi
