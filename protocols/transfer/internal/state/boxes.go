package state

import "context"

// Boxes remembers over runs which mailboxes both sides of a two-way sync had.
//
//   - KEY VALUE     both had the mailboxes that KEY stands for; VALUE says what was in them
//   - KEY           it is to be forgotten
type Boxes struct {
	record
	known map[Key]string
}

var boxesFormat = format{name: "list of the mailboxes of a two-way sync", title: "# netclients two-way mailboxes 1"}

// OpenBoxes opens or makes the list. When another process has it open the error has class
// [protocols.ErrBusy].
func OpenBoxes(ctx context.Context, path string) (*Boxes, error) {
	b := &Boxes{record: newRecord(path, boxesFormat), known: map[Key]string{}}
	if err := b.open(ctx, b.take); err != nil {
		return nil, err
	}
	if b.lines > 2*len(b.known)+1000 {
		if err := b.compact(b.all); err != nil {
			_ = b.Close()
			return nil, err
		}
	}
	return b, nil
}

// ReadBoxes reads the list without writing anything. One that is not there is empty.
func ReadBoxes(ctx context.Context, path string) (*Boxes, error) {
	b := &Boxes{record: newRecord(path, boxesFormat), known: map[Key]string{}}
	return b, b.read(ctx, b.take)
}

func (b *Boxes) take(mark, name, value string) {
	key, ok := ParseKey(name)
	switch {
	case mark == "+" && ok:
		b.known[key] = value
	case mark == "-":
		delete(b.known, key)
	}
}

func (b *Boxes) all() {
	for key, value := range b.known {
		b.line("+", key.String(), value)
	}
}

// Get returns what is known of a pair of mailboxes; empty: nothing.
func (b *Boxes) Get(key Key) string { return b.known[key] }

// Len returns how many pairs are known.
func (b *Boxes) Len() int { return len(b.known) }

// Put remembers what was in a pair of mailboxes; empty forgets it.
func (b *Boxes) Put(key Key, value string) {
	switch {
	case b.known[key] == value:
	case value == "":
		delete(b.known, key)
		b.line("-", key.String(), "")
	default:
		b.known[key] = value
		b.line("+", key.String(), value)
	}
}
