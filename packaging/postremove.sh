#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
fi
if [ "$1" = purge ]; then # what is removed alone leaves its evidence; definitions of people's own stay
  rm -rf /var/lib/assay
fi
