// Package model explores every interleaving of a few writers and pruners on one small store, each store call being one step,
// and tells whether a confirmed snapshot can lose the last copy of a chunk. It does not know the code of repo: it is the
// protocol of docs/format.md, sections 12 and 13, by itself.
//
// What is in a state: packs and the chunks in them, marks, revokes, sessions, snapshots, and what each actor remembers. What
// is left out: segments, notes, pages, and what an actor cannot see. Each list, put and delete is one step, and reading the
// marks is one step with listing them. An actor that is not scheduled again has crashed; one that is scheduled late was
// suspended; nothing in the store tells the two apart, so there is no step for either. A pruner may presume any open session
// dead at any time, and may condemn any packs, whether a chunk in them is live or not.
//
// A Change alters the protocol: it takes a guard away, or adds what somebody would like to do. The tests say which changes
// lose a picture, and in how many steps.
package model
