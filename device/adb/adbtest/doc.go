// Package adbtest is a simulated phone that speaks the adb daemon's protocol
// over TCP, so that a real adb server connects to it, and faults can be scripted
// into its answers. It does not know the client it tests.
//
// A Daemon holds what the phone has: its storage, features, faults and counters.
// Listen puts it behind the daemon protocol, for a real adb server; Direct puts
// the same services behind a smart socket of our own, without an adb server in
// between, which is faster and lets answers through that a server would not.
//
// The phone's shell is the system's sh with Debian's toybox as its programs.
package adbtest
