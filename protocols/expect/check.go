package expect

import (
	"fmt"
	"slices"

	"github.com/netclients/netclients/protocols"
)

// Check looks for variables that nothing sets: neither the script, nor the caller,
// who knows those named. It is for finding a slip before anything is sent. The
// error is of kind Usage and names the line.
func (s *Script) Check(known ...string) error {
	for _, st := range s.steps {
		known = append(known, st.sets()...)
	}
	for _, st := range s.steps {
		for _, text := range st.texts() {
			for _, ref := range variable().FindAllStringSubmatch(text, -1) {
				if name := ref[1]; name[0] > '9' && !slices.Contains(known, name) {
					return protocols.UsageError("", "", fmt.Sprintf("script, line %d: nothing sets the variable %s", st.line, ref[0]))
				}
			}
		}
	}
	return nil
}

// Interacts reports whether a statement of the script hands the session to the user.
func (s *Script) Interacts() bool {
	return slices.ContainsFunc(s.steps, func(st step) bool { return st.do == "interact" })
}

// sets returns the variables that a statement may set.
func (st *step) sets() (names []string) {
	switch st.do {
	case "set", "secret", "base64":
		names = append(names, st.name)
	}
	for _, a := range st.alts {
		names = append(names, a.names...)
	}
	return names
}

// texts returns the texts of a statement in which variables stand.
func (st *step) texts() []string {
	var texts []string
	if st.do != "secret" {
		texts = append(texts, st.text)
	}
	for _, a := range st.alts {
		texts = append(texts, a.literal, a.arg)
	}
	return texts
}
