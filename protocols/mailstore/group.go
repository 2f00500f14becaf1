package mailstore

import (
	"sync"
	"time"
)

const (
	blocks        = 4       // being filled or written
	blockSize     = 1 << 20 // bytes
	blockMessages = 256

	// A group is what becomes safe together. It is not kept open for longer than
	// groupAge, so that on a slow line little has to be fetched again.
	groupMessages = 2048
	groupBytes    = 32 << 20
	groupAge      = 2 * time.Second
	settling      = 2 // groups that are being settled

	// forcers is how many files are forced to the disk side by side: the file
	// system then writes its own log once for many of them.
	forcers = 16
)

// group is messages that are made safe together.
type group struct {
	list    []*delivery
	begun   int // so many of list were handed over to be written
	bytes   int64
	since   time.Time // when the first one came
	loose   bool      // some were written without being forced to the disk
	writing sync.WaitGroup
}

func (g *group) add(d *delivery) {
	if len(g.list) == 0 {
		g.since = time.Now()
	}
	g.list, g.bytes = append(g.list, d), g.bytes+d.size
}

// waiting is how many messages are in the block and not handed over.
func (g *group) waiting() int { return len(g.list) - g.begun }

// full reports whether the group is to be settled. Where nothing is forced to the
// disk there is nothing to be won by large ones.
func (g *group) full(noSync bool) bool {
	if noSync {
		return g.begun > 0
	}
	return len(g.list) >= groupMessages || g.bytes >= groupBytes || time.Since(g.since) >= groupAge
}

// fresh returns an empty block, when one is free.
func (a *maildirArchive) fresh() []byte {
	b := <-a.free
	if b == nil {
		b = make([]byte, 0, blockSize)
	}
	return b
}

// handOver has the messages of the block written. Few are forced to the disk each
// by itself; of many, as a full block is, the group is forced as a whole.
func (a *maildirArchive) handOver(full bool) {
	g, block := a.group, a.block
	if block == nil {
		return
	}
	a.block = nil
	list := g.list[g.begun:]
	g.begun = len(g.list)
	g.loose = g.loose || full && a.atOnce
	write := a.write
	if !a.o.NoSync && !g.loose {
		write = a.force
	}
	g.writing.Go(func() {
		write(list)
		a.free <- block[:0]
	})
}

// write makes files of messages.
func (a *maildirArchive) write(list []*delivery) {
	a.disk.Lock()
	defer a.disk.Unlock()
	for _, d := range list {
		d.err = a.in.write(d, nil, nil, false)
	}
}

// force makes files of messages, some side by side, each forced to the disk.
func (a *maildirArchive) force(list []*delivery) {
	var all sync.WaitGroup
	slots := make(chan struct{}, forcers)
	for _, d := range list {
		slots <- struct{}{}
		all.Go(func() {
			d.err = a.in.write(d, nil, nil, true)
			<-slots
		})
	}
	all.Wait()
}

// settle hands the group over to a goroutine, and begins another.
func (a *maildirArchive) settle() {
	a.handOver(false)
	g := a.group
	if len(g.list) == 0 {
		return
	}
	a.group = &group{}
	a.slots <- struct{}{}
	a.busy.Go(func() {
		defer func() { <-a.slots }()
		g.writing.Wait()
		if err := a.finish(g); err != nil {
			a.mu.Lock()
			a.err = err
			a.mu.Unlock()
		}
	})
}

// finish names the messages of a group, and reports them when the
// names are on the disk too.
func (a *maildirArchive) finish(g *group) error {
	if g.loose && !a.o.NoSync {
		if err := a.in.tmp.syncDisk(); err != nil {
			return localError(err)
		}
	}
	touched := a.place(g)
	for folder := range touched {
		if a.o.NoSync {
			break
		}
		if err := a.in.to[folder].Sync(); err != nil {
			return localError(err)
		}
	}
	return a.tell(g)
}

// place returns messages their names, and returns the folders they are in.
func (a *maildirArchive) place(g *group) map[string]bool {
	a.disk.Lock()
	defer a.disk.Unlock()
	touched := map[string]bool{}
	for _, d := range g.list {
		if d.err == nil {
			d.err = a.in.place(d)
		}
		if d.err == nil {
			touched[d.folder] = true
		}
	}
	return touched
}

// tell reports what became of the messages of a group.
func (a *maildirArchive) tell(g *group) (first error) {
	if a.o.Stored == nil {
		return nil
	}
	a.telling.Lock()
	defer a.telling.Unlock()
	for _, d := range g.list {
		if d.err != nil {
			d.err = localError(d.err)
		}
		if err := a.o.Stored(d.key, d.size, d.err); err != nil && first == nil {
			first = err
		}
	}
	return first
}
