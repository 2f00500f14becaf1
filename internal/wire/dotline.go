package wire

import "bytes"

var (
	cr     = []byte("\r")
	crlf   = []byte("\r\n")
	dot    = []byte(".")
	lfDot  = []byte("\n.")
	dotEnd = []byte(".\r\n")
)

// beforeDot returns the index of the first dot in p that starts a line and is not at 0, or -1. A line starts after
// CRLF, and also after a bare LF if bareLF is true. afterCR reports whether the byte before p was a CR.
func beforeDot(p []byte, afterCR, bareLF bool) int {
	for from := 0; ; {
		i := bytes.Index(p[from:], lfDot)
		if i < 0 {
			return -1
		}
		lf := from + i
		if endsLine(p[:lf+1], afterCR, bareLF) {
			return lf + 1
		}
		from = lf + 1
	}
}

// endsLine reports whether p, which must not be empty, ends with a line end.
func endsLine(p []byte, afterCR, bareLF bool) bool {
	last := len(p) - 1
	if p[last] != '\n' {
		return false
	}
	if last > 0 {
		afterCR = p[last-1] == '\r'
	}
	return afterCR || bareLF
}
