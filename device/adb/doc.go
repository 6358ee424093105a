// Package adb is a small client of the adb server: it lists phones, runs
// commands on one, lists its folders and pulls its files, many at a time.
// It does not know what a picture is, which folders matter, or what becomes
// of the bytes.
//
// # Protocols
//
// The forms on the wire are those of the Android sources (packages/modules/adb:
// SERVICES.TXT, SYNC.TXT, file_sync_protocol.h, shell_protocol.h), checked
// against adb servers 29 and 34. A smart socket asks one service with four hex
// digits of length and text, and is answered OKAY or FAIL; nothing may be sent
// ahead of that answer. Inside a sync session requests may be sent ahead, and
// this package does so: a phone answers a small file in less time than a
// question and its answer need on the way.
//
// # Bounds
//
// A phone may be broken or hostile, so every length it announces is checked
// before memory is taken: see MaxData, MaxName, MaxEntries, MaxText. A wait
// never lasts longer than Server.Stall without Server.Floor bytes of progress.
//
// # gadb
//
// The plain questions (does a server answer, which serials are there, what does
// getprop say) are asked through github.com/electricbubble/gadb, behind a gate
// that bounds their bytes and their time. What could lose data, hang or leak
// there is done here: gadb drops phones from its list, waits 60 seconds
// whatever happens, counts sizes in 32 bits and leaves sockets open.
package adb
