package protocols

import (
	"context"
	"io"
	"iter"
	"time"
)

// TypeGone marks an entry of [Mailbox.Changes] whose message no longer exists. Of
// such an entry only ID is set.
const TypeGone Type = "gone"

// MessageSource is a place with messages that an archive can be brought up to
// date with: a POP3 maildrop, an IMAP mailbox, a newsgroup, a maildir, an mbox.
// Their content comes through BulkGet. A source from which messages can be
// deleted is a [BulkRemover] or [Remover] too.
type MessageSource interface {
	BulkGetter
	// OpenMailbox goes to the mailbox, logged in, and says what it is. It lists
	// nothing yet. name is what the client's other verbs take.
	OpenMailbox(ctx context.Context, name string) (*Mailbox, error)
}

// Mailbox is an open mailbox of a [MessageSource]. It belongs to the client,
// needs no closing, and is of no use after the client's next connection.
type Mailbox struct {
	// Account says whose mailbox at which server it is, always in the same
	// words: "alice@mail.example.org:110". Without a password, but with the user
	// who has in fact logged in.
	Account string
	// Scope is set where the ids are valid beyond the account, as message-ids of news
	// are: mailboxes of one Scope and Name hold the same messages at whichever server, and
	// an archive stores each of them once. Empty: ids belong to the account.
	Scope string
	// Name of the mailbox in the account; empty where there is but one.
	Name string
	// Validity: the ids of two listings name the same messages only when this is
	// equal in both: UIDVALIDITY; empty where ids are for ever.
	Validity string
	// Changes lists the messages. since is the State that a complete earlier
	// listing of the same Validity ended with, or empty: then all messages are
	// wanted. A source that cannot tell what has changed lists all in any case.
	//
	// Of each entry ID is stable over sessions and unique in the mailbox, Path is
	// what BulkGet and BulkRemove take in this session, Size may be
	// SizeUnknown, MessageInfo.Flags are IMAP system flags and keywords where the
	// source has flags, and Modified is when the message came in, where that is
	// known. The client is busy until the loop ends.
	Changes func(ctx context.Context, since string) iter.Seq2[Entry, error]
	// Grows says that Changes with a state lists new messages only and does not report
	// removed ones: to learn about those, list everything.
	Grows bool
	// State is set when Changes has ended without an error: what to hand to
	// Changes the next time. Empty: nothing can be left out then.
	State string
	// Complete is set when Changes has ended without an error and has listed every
	// message: those it did not list no longer exist. Otherwise removed messages were
	// listed as entries of [TypeGone].
	Complete bool
}

// MessageTarget is a place that keeps an archive of messages: a maildir, an mbox,
// an IMAP mailbox.
type MessageTarget interface {
	// OpenArchive makes the mailbox name when it is missing, takes it for this
	// process as far as the place has locks, and repairs what a run left that was
	// killed. The caller closes the archive; until then the client is busy.
	OpenArchive(ctx context.Context, name string, o *ArchiveOptions) (Archive, error)
}

// ArchiveOptions says how an archive is written. Nil is all defaults.
type ArchiveOptions struct {
	// Stored is called for every message given to Add, when it is safe under its
	// final name, or with its error. Calls come one at a time, maybe from other
	// goroutines, and at the latest from Flush. An error it returns is Add's or
	// Flush's. It may be nil.
	Stored func(key string, bytes int64, err error) error
	// NoSync: nothing is forced to the disk.
	NoSync bool
	// Each: every message is made safe by itself, not in groups.
	Each bool
	// Mark is the value that Mark returned in a run that did not finish, or empty.
	Mark string
	// ReadOnly: nothing is made, repaired or written; Add, SetFlags and Delete fail.
	ReadOnly bool
}

// Archive is an open mailbox of a [MessageTarget]. Messages have keys: names of
// 32 hexadecimal digits that the caller chooses, that stay with the message, and
// by which a run finds again what an earlier one stored and could not note.
type Archive interface {
	// Mark says where the archive stands before anything is added, for targets
	// that need it to find again what a killed run stored: Keys then returns at
	// least what was added since. The caller keeps it until Flush.
	Mark() string
	// Add reads body to its end and stores it with the flags and the time of e.
	// What it returns is the reader's error or one of the archive as a whole:
	// then nothing of the message stays. The rest comes through Stored.
	Add(ctx context.Context, key string, e *Entry, body io.Reader) error
	// Flush makes safe all that was added, and writes the flags that were set.
	Flush(ctx context.Context) error
	// Keys returns the messages that have a key: ID is the key, Path is what the
	// target's Get takes, and MessageInfo, where the target keeps flags, holds them. Its
	// UID is the ID under which a target that is a [MessageSource] too lists the message.
	Keys(ctx context.Context) iter.Seq2[Entry, error]
	// SetFlags replaces the flags of messages, at the latest with Flush. An unknown key is not an error.
	SetFlags(ctx context.Context, key string, flags []string) error
	// Delete removes messages. An unknown key is not an error.
	Delete(ctx context.Context, keys []string) error
	// Close frees the archive. What was not flushed may be lost.
	Close() error
}

// Emptied is an [Archive] that can tell, once it is open, that nothing of what
// earlier runs stored is there any more: the mailbox was removed, or made anew.
// What was remembered of it is void then.
type Emptied interface {
	Emptied() bool
}

// FlagKeeper is an [Archive] that can tell which flags its messages can have.
type FlagKeeper interface {
	KeepsFlag(flag string) bool
}

// FlagChange says which flags messages get and lose.
type FlagChange struct {
	Add, Remove []string
}

// BulkFlagger is a [MessageSource] that can change the flags of its messages.
type BulkFlagger interface {
	// BulkFlag makes one change to many messages, named by their Path. Flags that cannot
	// be stored are left out. each is called once for every name, with nil or with that
	// message's own error, and may be nil; its error stops the work. A message that does
	// not exist any more may be reported with nil.
	BulkFlag(ctx context.Context, change FlagChange, names iter.Seq[string], each func(name string, err error) error) error
}

// AccountLocal is the Account of mailboxes on this machine.
const AccountLocal = "local"

// StateKeeper is a [MessageTarget] that has a place for what a sync must remember.
type StateKeeper interface {
	// StatePath returns the path of a local file for that, beside or in the mailbox
	// name. source distinguishes several sources and is a safe file name.
	StatePath(name, source string) (string, error)
}

// MessageTime returns the time a message came in, or else now.
func MessageTime(e *Entry) time.Time {
	if e == nil || e.Modified.IsZero() {
		return time.Now()
	}
	return e.Modified
}
