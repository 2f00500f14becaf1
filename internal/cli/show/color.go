package show

// Painter adds colours, or not.
type Painter bool

// The colours in use, as SGR parameters.
const (
	Bold    = "1"
	Dim     = "2"
	Red     = "31"
	Green   = "32"
	Yellow  = "33"
	blue    = "1;34"
	Magenta = "35"
	Cyan    = "36"
)

// As returns the text in a colour.
func (p Painter) As(sgr, s string) string {
	if !p || sgr == "" {
		return s
	}
	return "\x1b[" + sgr + "m" + s + "\x1b[0m"
}

// colourful decides on colour: the flag, then NO_COLOR and CLICOLOR_FORCE, then
// whether there is a terminal that can show it.
func colourful(flag string, tty bool, getenv func(string) string) bool {
	switch {
	case flag == "always":
		return true
	case flag == "never", getenv("NO_COLOR") != "":
		return false
	case getenv("CLICOLOR_FORCE") != "" && getenv("CLICOLOR_FORCE") != "0":
		return true
	}
	return tty && getenv("TERM") != "dumb" && getenv("CLICOLOR") != "0"
}
