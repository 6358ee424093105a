// Package device reaches where photos live: a phone over ADB, a folder. It lists
// the files there in byte order of their path, opens them, and writes them back.
// It does not know what a backup is.
//
// # Listing
//
// Files yields files and symlinks, never folders. A path that could not be read
// comes with a *Problem as its error and the listing goes on; whatever lies below
// a folder with a Problem is unknown, not gone. Any other error ends the listing
// and comes last: what was yielded before it is true but not all.
//
// # Opening
//
// Open may be called for many files (some 32) before the first is read. The
// streams must then be read or closed in the order of opening; several may be
// read at once by as many goroutines. Every stream must be closed, and may be
// closed early. A stream that also says how many bytes will come, with Len() int64,
// is free of this: it may be read whenever, whatever becomes of the others. Those of
// a Dir are.
//
// A stream ends in io.EOF only when exactly File.Size bytes came, and the file's
// size and time of change are after the read what they were in the listing. Any
// other end is an error: ErrChanged, ErrVanished, ErrShort, fs.ErrPermission or
// another that concerns this file only, or a *PhoneError, after which the phone
// is out of reach and the rest need not be tried. A connection that breaks is
// never io.EOF.
package device
