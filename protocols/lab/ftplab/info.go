package ftplab

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols/lab/internal/frame"
)

func cmdSyst(x *session, _ string) { x.reply(215, x.srv.dialect.syst) }

func cmdStat(x *session, name string) {
	if name == "" {
		x.lineReply(211, "Status of the netclients lab FTP server:", x.status(), "End of status.")
		return
	}
	if !x.loggedIn {
		x.reply(530, "Please login with USER and PASS.")
		return
	}
	lines := []string{"Status follows:"}
	err := x.list(listArgs(name), func(line string) error {
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		x.fail(err)
		return
	}
	x.lineReply(213, append(lines, "End of status.")...)
}

// status is one line about the session.
func (x *session) status() string {
	kind := map[bool]string{true: "ASCII", false: "BINARY"}[x.ascii]
	return fmt.Sprintf("Logged in as %s, TYPE %s, TLS %t", x.user, kind, x.tls != nil)
}

func cmdHelp(x *session, verb string) {
	if verb == "" {
		verbs := slices.Sorted(maps.Keys(x.srv.verbs))
		x.lineReply(214, "The following commands are recognized.", strings.Join(verbs, " "), "Help OK.")
		return
	}
	v, ok := x.srv.verbs[strings.ToUpper(verb)]
	if !ok {
		x.reply(502, "Unknown command "+verb+".")
		return
	}
	x.reply(214, strings.TrimSpace("Syntax: "+strings.ToUpper(verb)+" "+v.help))
}

// features are the lines of FEAT with the verb each depends on.
func (x *session) features() []struct{ verb, line string } {
	return []struct{ verb, line string }{
		{"AUTH", "AUTH TLS"},
		{"CCC", "CCC"},
		{"EPRT", "EPRT"},
		{"EPSV", "EPSV"},
		{"HASH", "HASH " + x.hashFeature()},
		{"HOST", "HOST"},
		{"LANG", "LANG EN*"},
		{"MDTM", "MDTM"},
		{"MFMT", "MFMT"},
		{"MLST", "MLST " + x.factFeature()},
		{"PBSZ", "PBSZ"},
		{"PROT", "PROT"},
		{"REST", "REST STREAM"},
		{"SIZE", "SIZE"},
		{"XCRC", "XCRC"},
		{"XMD5", "XMD5"},
		{"XSHA1", "XSHA1"},
		{"XSHA256", "XSHA256"},
	}
}

func cmdFeat(x *session, _ string) {
	lines := []string{"Features:"}
	for _, f := range x.features() {
		if _, ok := x.srv.verbs[f.verb]; ok {
			lines = append(lines, f.line)
		}
	}
	if !x.srv.opt.NoUTF8 {
		lines = append(lines, "UTF8")
	}
	x.lineReply(211, append(lines, "End")...)
}

func cmdOpts(x *session, arg string) {
	verb, value := frame.SplitCommand(arg)
	run, ok := map[string]func(*session, string){"UTF8": optsUTF8, "MLST": optsMLST, "HASH": optsHash}[verb]
	if _, known := x.srv.verbs[verb]; !ok || !known && verb != "UTF8" {
		x.reply(501, "Option not understood.")
		return
	}
	run(x, value)
}

func optsUTF8(x *session, value string) {
	if x.srv.opt.NoUTF8 {
		x.reply(501, "Option not understood.")
		return
	}
	x.reply(200, "Always in UTF8 mode.")
}

func cmdType(x *session, arg string) {
	types := map[string]bool{"A": true, "A N": true, "I": false, "L 8": false, "L8": false}
	ascii, ok := types[strings.ToUpper(arg)]
	if !ok {
		x.reply(504, "TYPE not supported.")
		return
	}
	x.ascii = ascii
	x.reply(200, "Switching to "+map[bool]string{true: "ASCII", false: "Binary"}[ascii]+" mode.")
}

func cmdMode(x *session, arg string) { x.choose("MODE", arg, "S") }

func cmdStru(x *session, arg string) { x.choose("STRU", arg, "F") }

// choose accepts the one value a parameter can have.
func (x *session) choose(what, arg, only string) {
	if !strings.EqualFold(arg, only) {
		x.reply(504, what+" "+arg+" not supported.")
		return
	}
	x.reply(200, what+" set to "+only+".")
}

func cmdAllo(x *session, arg string) {
	size, err := strconv.ParseInt(strings.Fields(arg + " 0")[0], 10, 64)
	switch {
	case err != nil:
		x.reply(501, "ALLO needs a number.")
	case size > x.srv.tree.Free():
		x.reply(552, "Not enough space.")
	default:
		x.reply(202, "ALLO is not needed.")
	}
}
