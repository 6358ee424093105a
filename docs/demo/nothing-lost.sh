#!/usr/bin/env bash
# Three promises, shown. Run it from anywhere: docs/demo/nothing-lost.sh [SHOEBOX]
#
#   1. two backups and a prune at the same time, and kill -9 at random: nothing that was reported is lost
#   2. 384 KiB of a pack overwritten: healed, byte for byte as it was
#   3. a picture that was on the phone for one night is still there after a year of thinning
#
# It works in a folder of its own, and takes about half a minute.
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ $# -gt 0 ]; then
	shoebox=$(realpath "$1")
else
	shoebox=$work/shoebox
	(cd "$top" && go build -o "$shoebox" ./cmd/shoebox)
fi
export HOME=$work SHOEBOX_REPOSITORY=$work/repository
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME
shoebox() { "$shoebox" "$@"; }
title() { printf '\n== %s\n' "$*"; }
picture() { mkdir -p "$(dirname "$1")" && head -c "${2:-200000}" /dev/urandom >"$1"; } # as random as a JPEG's body

title '1. Two backups and a prune at once, killed at random'
shoebox init --no-password -q
for round in 1 2 3 4 5 6 7 8; do
	for phone in anna ben; do
		for i in 1 2 3 4 5 6; do picture "$work/$phone/IMG_$round$i.jpg"; done
		rm -f "$work/$phone/IMG_$((round - 2))"?.jpg # old pictures leave the phone
	done
	"$shoebox" backup -q "$work/anna" & anna=$!
	"$shoebox" backup -q "$work/ben" & ben=$!
	"$shoebox" forget -q --keep-last 2 --prune & prune=$!
	sleep "0.0$((RANDOM % 10))"
	victim=$(shuf -n 1 -e $anna $ben $prune)
	kill -9 "$victim" 2>/dev/null || true
	for job in $anna $ben $prune; do wait "$job" 2>/dev/null || true; done
	printf 'round %d: killed %s. ' "$round" "$(case $victim in "$anna") echo "the backup of anna" ;; "$ben") echo "the backup of ben" ;; *) echo "the prune" ;; esac)"
	shoebox check --read-data | sed -n 1p
done
shoebox backup -q "$work/anna" "$work/ben"
shoebox forget -q --keep-last 1
shoebox prune
shoebox check --read-data

title '2. 384 KiB of a pack overwritten'
for i in $(seq 30); do picture "$work/big/$i.jpg" 1500000; done
shoebox backup -q "$work/big"
pack=$(find "$SHOEBOX_REPOSITORY/packs" -type f -size +14000k | sed -n 1p)
before=$(b3sum "$pack" 2>/dev/null || sha256sum "$pack")
size=$(stat -c %s "$pack")
shard=$(((size + 127) / 128)) # parity heals any four of 128 shards; 384 KiB lie in four
dd if=/dev/urandom of="$pack" bs=$((384 * 1024)) count=1 oflag=seek_bytes seek=$((RANDOM % 124 * shard)) conv=notrunc status=none
shoebox check --keyless || echo "(exit code $?: damage)"
shoebox restore latest --target "$work/through" -q && diff -r "$work/big" "$work/through" && echo "A restore reads through the damage."
shoebox heal
after=$(b3sum "$pack" 2>/dev/null || sha256sum "$pack")
[ "$before" = "$after" ] && echo "The pack is byte for byte what it was: ${after%% *}"

title '3. A year of thinning'
export SHOEBOX_REPOSITORY=$work/year
shoebox init --no-password -q
for day in $(seq 0 4 364); do
	SHOEBOX_NOW=$(date -u -d "2027-01-01 03:00 UTC +$day days" +%Y-%m-%dT%H:%M:%SZ)
	export SHOEBOX_NOW
	picture "$work/phone/$day.jpg" 20000
	if [ "$day" = 40 ]; then
		picture "$work/phone/only-one-night.jpg" 20000
		cp "$work/phone/only-one-night.jpg" "$work/kept"
	fi
	shoebox backup -q "$work/phone"
	rm -f "$work/phone/only-one-night.jpg"
	[ $((day % 28)) != 24 ] || shoebox forget -q --keep-daily 7 --keep-weekly 4 --keep-monthly 6 --prune
done
shoebox forget -q --keep-monthly 6 --prune
shoebox snapshots
shoebox restore attic:only-one-night.jpg --target "$work/back" -q
cmp "$work/kept" "$work/back/only-one-night.jpg" && echo "The picture of that one night in February is still there."
shoebox check --read-data
