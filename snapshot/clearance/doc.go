// Package clearance is what may leave a device because a repository gives it back: compared (Compare), chosen (MakePlan), proven and let go (Plan.Run),
// put back (Undo), and told of in receipts that are sealed into the repository. It does not know how a phone is reached, nor what people are told.
//
// A file leaves a device in this order, and never in another: its snapshot is confirmed; its bytes are read from the repository, opened and
// hashed; the device tells the same hash of its own; the intent is durable in the repository; the device looks once more, and removes it. A run may stop
// anywhere: whatever the last intent names is put back by Undo where it is gone. The bytes of receipts are laid down in docs/format.md.
package clearance
