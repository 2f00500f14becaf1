// Package look is the look that the pages of this program share: the page of the lab, and
// that of a transcript. It implements no RFC.
package look

import _ "embed" // of the style sheet

//go:embed look.css
var css string

// CSS returns the style sheet: colours of both modes, cards, and sequence diagrams.
func CSS() string { return css }
