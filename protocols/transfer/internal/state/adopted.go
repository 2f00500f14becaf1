package state

// adopted are the messages of an archive that stand for messages of the source and have no
// key there: another program stored them.
type adopted struct {
	index  Keys // a key's Bits are the place of its copy
	copies []Key
}

func (a *adopted) put(key, as Key) {
	a.index.Put(key, uint32(len(a.copies)))
	a.copies = append(a.copies, as)
}

// Adopt notes, before Add does, that a message of the archive stands for one of the source.
// copy is the hash of its id in the archive; zero when its ids do not last.
func (st *Messages) Adopt(key, copy Key) {
	st.adopted.put(key, copy)
	st.line("@", key.String(), copy.String())
}

// Adopted returns how many messages stand for others without a key.
func (st *Messages) Adopted() int { return st.adopted.index.N }

// AdoptedAs returns what Adopt noted of a message.
func (st *Messages) AdoptedAs(key Key) (copy Key, ok bool) {
	e := st.adopted.index.Get(key)
	if e == nil {
		return Key{}, false
	}
	return st.adopted.copies[e.Bits], true
}

// ForgetAdopted drops all messages that Adopt was called for.
func (st *Messages) ForgetAdopted() {
	all := make([]Key, 0, st.adopted.index.N)
	for e := range st.adopted.index.all() {
		all = append(all, e.key)
	}
	for _, key := range all {
		st.Forget(key)
	}
	st.adopted = adopted{}
}
