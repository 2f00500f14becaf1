// Package transfer moves objects between any two clients: [Copy] moves one,
// [Sync] brings a tree up to date, [CopyTo] writes one to a stream.
//
// # How one object moves
//
// Get of one client goes into Put of the other, or, where the destination is
// local, straight into a temporary file that is then forced to the disk and
// renamed. Nothing wraps a connection's reader on that road, so the kernel's fast
// paths stay open; progress looks at the file's position instead.
//
// An attempt that fails in a way that may pass (see [protocols.IsRetryable]) is
// repeated after a growing wait, from where it stopped, once it is proven that
// the object is still the same: size, time and id, as far as the protocol has
// them, have not changed. A partial file of an earlier run carries that knowledge
// in a record beside it (NAME.ncpart and NAME.ncpart.json); the server's partial
// of an upload is compared in its last bytes.
//
// # How a tree moves
//
// One goroutine walks the source folder by folder and compares each with the
// destination's; workers, each with clients of its own from two pools, move what
// differs. When a server allows no more connections the pool shrinks.
//
// A run that was killed leaves only whole files and names that end in .ncpart;
// the next run uses or removes those.
//
// # Durability
//
// With [DurabilityGroup] the files of a batch are written, forced to the disk
// together, renamed together, and only then reported as done and written to the
// journal. Memory file systems have no disk to force; there nothing is.
package transfer
