package protocols

// Reply is a server's answer to one command.
type Reply struct {
	Code     int      // numeric reply code; 0 where the protocol has none
	Word     string   // status word where it has no number: "+OK", "NO"
	Enhanced string   // enhanced status code, RFC 3463, or response code
	Lines    []string // text of each line, without code and line end
}

// Text returns the first line, or the last of many when the first is empty.
func (r *Reply) Text() string {
	for _, l := range r.Lines {
		if l != "" {
			return l
		}
	}
	return ""
}
