package base

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// faultForm says what a kind of fault takes in a spec.
type faultForm struct {
	verb  bool // ":VERB" is needed
	value func(f *Fault, s string) error
}

// faultForms is the table of the grammar.
func faultForms() map[FaultKind]faultForm {
	bytes, text := faultForm{value: parseBytes}, faultForm{verb: true, value: parseText}
	return map[FaultKind]faultForm{
		FaultCut:       bytes,
		FaultClose:     bytes,
		FaultSlow:      {value: parsePositive},
		FaultSplit:     {value: parsePositive},
		FaultTruncate:  bytes,
		FaultMax:       {value: parsePositive},
		FaultStall:     {value: parseStall},
		FaultDelay:     {value: parseDelay},
		FaultRefuse:    {value: parseNothing},
		FaultCode:      {verb: true, value: parseReply},
		FaultInject:    {verb: true, value: parseReply},
		FaultGarbage:   {verb: true, value: parseNothing},
		FaultEndless:   text,
		FaultMultiline: text,
		FaultHang:      {verb: true, value: parseNothing},
		FaultDrop:      {verb: true, value: parseNothing},
		FaultReset:     {verb: true, value: parseNothing},
	}
}

// ParseFaults reads a fault spec. An empty spec means no faults.
//
//	spec   = fault *( "," fault )
//	fault  = [ scope "." ] kind [ ":" verb ] [ "=" value ] [ "~" percent "%" ] [ "*" times ]
//	scope  = "ctl" / "data"            ; else both
//	verb   = a command / "greeting" / "tls" / "end" / "*"
//	bytes  = digits [ "k" / "M" / "G" ]   ; of 1024
//	text   = characters; \, \\ \r \n \e (ESC) \0 \* and \~ stand for what they name
//	percent = digits                   ; it happens at so many of a hundred, by chance
//	times  = digits                    ; only the first times it would happen
//
// Faults of a connection; positions count the bytes the server has written to
// it, and on a data connection also those it has read:
//
//	cut=BYTES       RST once that many bytes have passed
//	close=BYTES     the same with an orderly end
//	stall=BYTES:DURATION   silence at that position, once in a connection
//	slow=BYTES      at most so many bytes a second
//	split=BYTES     every write in pieces of that size (1: byte by byte)
//	delay=DURATION  wait before each reply; with the data scope before the
//	                first byte of each data connection; in a Proxy before each
//	                piece that is passed on
//	truncate=BYTES  a transfer ends after that many bytes and is called complete
//	refuse          a new connection is reset at once
//	max=N           more than N clients at a time get a "421" reply
//
// Faults at a command or point of the dialogue, instead of the right answer:
//
//	code:VERB=TEXT      this reply, for example code:RETR=550 no; the command
//	                    is not carried out
//	inject:VERB=TEXT    the right reply, and TEXT as a line after it in the
//	                    same packet
//	garbage:VERB        512 bytes that are no reply
//	endless:VERB[=TEXT]    a line without an end (64 MiB), starting with TEXT
//	multiline:VERB[=CODE]  a reply whose last line never comes (64 MiB)
//	hang:VERB           nothing more is said
//	drop:VERB           an orderly end of the connection
//	reset:VERB          RST
func ParseFaults(spec string) (Faults, error) {
	var faults Faults
	if strings.TrimSpace(spec) == "" {
		return nil, nil
	}
	forms := faultForms()
	for _, part := range splitSpec(spec) {
		f, err := parseFault(forms, strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("fault %q: %w", part, err)
		}
		faults = append(faults, f)
	}
	return faults, nil
}

// SplitFaults sorts the faults of a specification by the servers they are for: one that
// begins with the name of a protocol and a dot, as "smtp.code:RCPT=450 later", is for
// that server, and the others are for all. The specifications that it returns have no
// such names; they are not checked.
func SplitFaults(spec string, protocols []string) map[string]string {
	parts := map[string][]string{}
	for _, part := range splitSpec(spec) {
		part = strings.TrimSpace(part)
		for _, p := range protocols {
			if rest, ok := strings.CutPrefix(part, p+"."); ok {
				parts[p] = append(parts[p], rest)
			} else if head, _, _ := strings.Cut(part, "."); part != "" && !slices.Contains(protocols, head) {
				parts[p] = append(parts[p], part)
			}
		}
	}
	specs := map[string]string{}
	for p, list := range parts {
		specs[p] = strings.Join(list, ",")
	}
	return specs
}

// FaultParts returns the faults of a specification, each by itself and not parsed.
func FaultParts(spec string) []string {
	var parts []string
	for _, part := range splitSpec(spec) {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// splitSpec cuts at the commas that have no backslash before them.
func splitSpec(spec string) []string {
	var parts []string
	start := 0
	for i := 0; i < len(spec); i++ {
		switch spec[i] {
		case '\\':
			i++
		case ',':
			parts = append(parts, spec[start:i])
			start = i + 1
		}
	}
	return append(parts, spec[start:])
}

func parseFault(forms map[FaultKind]faultForm, s string) (Fault, error) {
	var f Fault
	s, err := cutTimes(s, &f)
	if err == nil {
		s, err = cutChance(s, &f)
	}
	if err != nil {
		return f, err
	}
	head, value, _ := strings.Cut(s, "=")
	if scope, rest, ok := strings.Cut(head, "."); ok {
		if f.Scope, ok = map[string]Scope{"ctl": ScopeControl, "data": ScopeData}[scope]; !ok {
			return f, fmt.Errorf("scope %q is neither ctl nor data", scope)
		}
		head = rest
	}
	kind, verb, _ := strings.Cut(head, ":")
	f.Kind, f.Verb = FaultKind(kind), strings.ToUpper(verb)
	form, ok := forms[f.Kind]
	if !ok {
		return f, errors.New("unknown kind of fault")
	}
	if form.verb != (verb != "") {
		return f, errors.New("a verb is " + map[bool]string{true: "needed: kind:VERB", false: "not possible here"}[form.verb])
	}
	return f, form.value(&f, value)
}

// cutTimes takes "*N" off the end.
func cutTimes(s string, f *Fault) (string, error) {
	i := strings.LastIndexByte(s, '*')
	if i < 1 || s[i-1] == '\\' || s[i-1] == ':' {
		return s, nil
	}
	n, err := strconv.Atoi(s[i+1:])
	if err != nil || n < 1 {
		return s, fmt.Errorf("%q is not a number of times", s[i+1:])
	}
	f.Times = n
	return s[:i], nil
}

// cutChance takes "~N%" off the end.
func cutChance(s string, f *Fault) (string, error) {
	i := strings.LastIndexByte(s, '~')
	if i < 1 || s[i-1] == '\\' || !strings.HasSuffix(s, "%") {
		return s, nil
	}
	n, err := strconv.Atoi(s[i+1 : len(s)-1])
	if err != nil || n < 1 || n > 100 {
		return s, fmt.Errorf("%q is not a percentage from 1%% to 100%%", s[i+1:])
	}
	f.Chance = n
	return s[:i], nil
}

func parseBytes(f *Fault, s string) (err error) {
	f.Bytes, err = size(s)
	return err
}

func parsePositive(f *Fault, s string) error {
	if err := parseBytes(f, s); err != nil {
		return err
	}
	if f.Bytes < 1 {
		return errors.New("must be at least 1")
	}
	return nil
}

// size reads digits with an optional k, M or G.
func size(s string) (int64, error) {
	digits, shift := s, 0
	if s != "" {
		if i := strings.IndexByte("kMG", s[len(s)-1]); i >= 0 {
			digits, shift = s[:len(s)-1], 10*(i+1)
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64>>shift {
		return 0, fmt.Errorf("%q is not a number of bytes", s)
	}
	return n << shift, nil
}

func parseStall(f *Fault, s string) error {
	at, wait, _ := strings.Cut(s, ":")
	if err := parseBytes(f, at); err != nil {
		return err
	}
	return parseDelay(f, wait)
}

func parseDelay(f *Fault, s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return fmt.Errorf("%q is not a duration", s)
	}
	f.Duration = d
	return nil
}

func parseNothing(_ *Fault, s string) error {
	if s != "" {
		return errors.New("takes no value")
	}
	return nil
}

func parseReply(f *Fault, s string) error {
	if s == "" {
		return errors.New("needs a text")
	}
	return parseText(f, s)
}

// parseText undoes the escapes of a text.
func parseText(f *Fault, s string) error {
	named := map[byte]byte{'r': '\r', 'n': '\n', 'e': 0x1b, '0': 0, ',': ',', '\\': '\\', '*': '*', '~': '~'}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '\\' {
			i++
			if i == len(s) {
				return errors.New("a backslash at the end")
			}
			var ok bool
			if c, ok = named[s[i]]; !ok {
				return fmt.Errorf("\\%c stands for nothing", s[i])
			}
		}
		b.WriteByte(c)
	}
	f.Text = b.String()
	return nil
}
