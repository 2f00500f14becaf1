package gopher

import "github.com/netclients/netclients/protocols"

// The letters of types that mean more to a client than a kind of content.
const (
	kindText   = '0'
	kindMenu   = '1'
	kindCSO    = '2'
	kindError  = '3'
	kindSearch = '7'
	kindTelnet = '8'
	kindMirror = '+'
	kindTN3270 = 'T'
	kindHTML   = 'h'
	kindInfo   = 'i'
)

// kind says what a type letter stands for.
type kind struct {
	name string
	typ  protocols.Type
	text bool // lines, ended by a dot
}

// kinds are the types of RFC 1436 3.8, of Gopher+, and those in use since.
var kinds = map[byte]kind{
	kindText:   {"text", protocols.TypeFile, true},
	kindMenu:   {"menu", protocols.TypeMenu, true},
	kindCSO:    {"CSO name server", protocols.TypeOther, true},
	kindError:  {"error", protocols.TypeOther, true},
	'4':        {"BinHex", protocols.TypeBinary, false},
	'5':        {"DOS archive", protocols.TypeBinary, false},
	'6':        {"uuencoded", protocols.TypeBinary, false},
	kindSearch: {"search", protocols.TypeSearch, true},
	kindTelnet: {"telnet", protocols.TypeOther, false},
	'9':        {"binary", protocols.TypeBinary, false},
	kindMirror: {"mirror", protocols.TypeMenu, true},
	kindTN3270: {"tn3270", protocols.TypeOther, false},
	'g':        {"GIF", protocols.TypeImage, false},
	'I':        {"image", protocols.TypeImage, false},
	'p':        {"PNG", protocols.TypeImage, false},
	':':        {"bitmap", protocols.TypeImage, false},
	';':        {"movie", protocols.TypeBinary, false},
	'<':        {"sound", protocols.TypeBinary, false},
	's':        {"sound", protocols.TypeBinary, false},
	'd':        {"document", protocols.TypeBinary, false},
	'P':        {"PDF", protocols.TypeBinary, false},
	'r':        {"RTF", protocols.TypeBinary, false},
	'X':        {"XML", protocols.TypeFile, false},
	'M':        {"MIME", protocols.TypeFile, true},
	'c':        {"calendar", protocols.TypeFile, true},
	'e':        {"event", protocols.TypeOther, true},
	'w':        {"whois", protocols.TypeOther, true},
	kindHTML:   {"HTML", protocols.TypeHTML, false},
	kindInfo:   {"information", protocols.TypeInfo, true},
}

// kindOf returns the kind of a letter; one that nobody knows is read as bytes.
func kindOf(letter byte) kind {
	if k, ok := kinds[letter]; ok {
		return k
	}
	return kind{"type " + string(rune(letter)), protocols.TypeOther, false}
}

// KindName returns the name of an item type's letter, as "menu"; "type x" for one
// that is not known.
func KindName(letter byte) string { return kindOf(letter).name }
