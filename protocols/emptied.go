package protocols

// Emptied is an [Archive] that can tell, once it is open, that nothing of what
// earlier runs stored is there any more: the mailbox was removed, or made anew.
// What was remembered of it is void then.
type Emptied interface {
	Emptied() bool
}
