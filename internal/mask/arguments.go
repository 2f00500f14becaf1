package mask

import (
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
		begin := 0
		for begin < len(redacted) && redacted[begin] == arg[begin] {
			begin++
		}
		for rest := arg[begin:strings.LastIndexByte(arg, '@')]; rest != ""; {
			_, password, ok := strings.Cut(rest, ":")
			if !ok {
				break
			}
			m.Add(password)
			rest = password
		}
	}
}
