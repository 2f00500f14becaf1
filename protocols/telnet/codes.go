package telnet

import "strconv"

// Commands of RFC 854 and later ones. A command follows IAC.
const (
	EOF   byte = 236 // end of file, RFC 1184
	SUSP  byte = 237 // suspend the process, RFC 1184
	ABORT byte = 238 // abort the process, RFC 1184
	EOR   byte = 239 // end of record, RFC 885
	SE    byte = 240 // end of a subnegotiation
	NOP   byte = 241 // nothing
	DM    byte = 242 // data mark: the place of a Synch in the stream
	BRK   byte = 243 // break
	IP    byte = 244 // interrupt process
	AO    byte = 245 // abort output
	AYT   byte = 246 // are you there
	EC    byte = 247 // erase character
	EL    byte = 248 // erase line
	GA    byte = 249 // go ahead
	SB    byte = 250 // start of a subnegotiation
	WILL  byte = 251
	WONT  byte = 252
	DO    byte = 253
	DONT  byte = 254
	IAC   byte = 255
)

// Options that this package speaks. Names of the others are in [OptionName].
const (
	BINARY     byte = 0  // RFC 856
	ECHO       byte = 1  // RFC 857
	SGA        byte = 3  // suppress go ahead, RFC 858
	STATUS     byte = 5  // RFC 859
	TM         byte = 6  // timing mark, RFC 860
	TTYPE      byte = 24 // terminal type, RFC 1091
	ENDREC     byte = 25 // end of record, RFC 885
	NAWS       byte = 31 // window size, RFC 1073
	TSPEED     byte = 32 // terminal speed, RFC 1079
	LINEMODE   byte = 34 // RFC 1184
	NEWENVIRON byte = 39 // RFC 1572
	CHARSET    byte = 42 // RFC 2066
	STARTTLS   byte = 46 // draft-altman-telnet-starttls
)

// commandNames are those from EOF (236) on.
var commandNames = [...]string{
	"EOF", "SUSP", "ABORT", "EOR", "SE", "NOP", "DM", "BRK", "IP", "AO", "AYT", "EC", "EL", "GA", "SB",
	"WILL", "WONT", "DO", "DONT", "IAC",
}

// CommandName returns the name of a command, or its number.
func CommandName(c byte) string {
	if c >= EOF {
		return commandNames[c-EOF]
	}
	return strconv.Itoa(int(c))
}

// CommandByName returns the command of a name in capitals, such as "AYT"; "BREAK"
// and "SYNCH" are known as well. Only commands that stand alone are found.
func CommandByName(name string) (byte, bool) {
	switch name {
	case "BREAK":
		return BRK, true
	case "SYNCH":
		return DM, true
	}
	for i, n := range commandNames {
		c := EOF + byte(i)
		if n == name && c != SE && c < SB {
			return c, true
		}
	}
	return 0, false
}

// optionNames is IANA's table of options.
var optionNames = map[byte]string{
	0: "BINARY", 1: "ECHO", 2: "RCP", 3: "SGA", 4: "NAMS", 5: "STATUS", 6: "TM", 7: "RCTE", 8: "NAOL", 9: "NAOP",
	10: "NAOCRD", 11: "NAOHTS", 12: "NAOHTD", 13: "NAOFFD", 14: "NAOVTS", 15: "NAOVTD", 16: "NAOLFD", 17: "XASCII",
	18: "LOGOUT", 19: "BM", 20: "DET", 21: "SUPDUP", 22: "SUPDUPOUTPUT", 23: "SNDLOC", 24: "TTYPE", 25: "EOR",
	26: "TUID", 27: "OUTMRK", 28: "TTYLOC", 29: "VT3270REGIME", 30: "X3PAD", 31: "NAWS", 32: "TSPEED", 33: "LFLOW",
	34: "LINEMODE", 35: "XDISPLOC", 36: "OLD_ENVIRON", 37: "AUTHENTICATION", 38: "ENCRYPT", 39: "NEW_ENVIRON",
	40: "TN3270E", 41: "XAUTH", 42: "CHARSET", 43: "RSP", 44: "COM_PORT_OPTION", 45: "SUPPRESS_LOCAL_ECHO",
	46: "START_TLS", 47: "KERMIT", 48: "SEND_URL", 49: "FORWARD_X", 69: "MSDP", 70: "MSSP", 86: "MCCP2", 87: "MCCP3",
	91: "MXP", 93: "ZMP", 138: "PRAGMA_LOGON", 139: "SSPI_LOGON", 140: "PRAGMA_HEARTBEAT", 200: "ATCP", 201: "GMCP",
	255: "EXOPL",
}

// OptionName returns the name of an option, or its number.
func OptionName(o byte) string {
	if n := optionNames[o]; n != "" {
		return n
	}
	return strconv.Itoa(int(o))
}

// OptionByName returns the option of a name in capitals, as [OptionName] has it.
func OptionByName(name string) (byte, bool) {
	for o, n := range optionNames {
		if n == name {
			return o, true
		}
	}
	return 0, false
}
