package mask

import (
	"path"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// Arguments learns the passwords in URLs among the arguments, those of mistyped URLs
// too: any error may repeat an argument.
func (m *Mask) Arguments(args []string) {
	for _, arg := range args {
		if _, value, ok := strings.Cut(arg, "="); ok && strings.HasPrefix(arg, "--") {
			arg = value
		}
		m.addArgument(arg)
		if u, err := protocols.ParseURL(arg, ""); err == nil && u.Host != "" {
			password, _ := u.User.Password()
			m.Add(password)
			continue
		}
		redacted := protocols.RedactText(arg)
		if redacted == arg || strings.ContainsAny(arg, " \t\r\n") {
			continue
		}
		// What redaction has left out starts with a colon and ends at the last @.
		end := strings.LastIndexByte(arg, '@')
		if end < 0 { // what stands for a port and is none is hidden by four stars
			head, tail, _ := strings.Cut(redacted, "****")
			m.Add(strings.TrimSuffix(strings.TrimPrefix(arg, head), tail))
			continue
		}
		begin := 0
		for begin < len(redacted) && redacted[begin] == arg[begin] {
			begin++
		}
		for rest := arg[begin:end]; rest != ""; {
			_, password, ok := strings.Cut(rest, ":")
			if !ok {
				break
			}
			m.Add(password)
			rest = password
		}
	}
}

// addArgument makes known what stands in the place of an argument that may hold a
// password: also of one that is too short to be looked for by itself.
func (m *Mask) addArgument(arg string) {
	shown := protocols.RedactText(arg)
	if shown == arg {
		return
	}
	clean := path.Clean(arg) // as in the name of a local file
	m.mu.Lock()
	defer m.mu.Unlock()
	m.arguments = append(m.arguments, arg, shown, strconv.Quote(arg), strconv.Quote(shown), clean, protocols.RedactText(clean))
}
