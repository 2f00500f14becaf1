package textlab

import (
	"io"
	"strconv"
	"time"
)

// line reads a line as it is typed, with what the server echoes.
func (x *telnetSession) line() (string, error) {
	var line []byte
	for {
		x.conn.SetReadDeadline(time.Now().Add(x.srv.opt.IdleTimeout))
		b, err := x.next()
		if err != nil {
			return "", err
		}
		after := x.cr
		x.cr = b == '\r'
		switch {
		case after && (b == '\n' || b == 0): // the rest of a line end
			continue
		case b == '\r' || b == '\n':
			x.typed("\r\n")
			return string(line), nil
		case b == 0x7f || b == 8:
			if len(line) > 0 {
				line = line[:len(line)-1]
				x.typed("\b \b")
			}
			continue
		}
		if line = append(line, b); len(line) > maxTelnetLine {
			return "", errTelnetLine
		}
		x.typed(string(telnetEscape([]byte{b})))
	}
}

// typed echoes, if the client wants it and nothing is to be hidden.
func (x *telnetSession) typed(s string) {
	if x.echo && !x.hidden {
		x.raw([]byte(s))
	}
}

// next returns the next byte of data. Commands in front of it are acted on.
func (x *telnetSession) next() (byte, error) {
	for {
		b, err := x.read()
		if err != nil || b != tnIAC {
			return b, err
		}
		if b, err = x.read(); err != nil || b == tnIAC {
			return b, err
		}
		if err := x.control(b); err != nil {
			return 0, err
		}
		if x.follow {
			return 0, nil
		}
	}
}

// read returns the next byte of the stream.
func (x *telnetSession) read() (byte, error) {
	if len(x.buf) == 0 {
		buf := make([]byte, 4<<10)
		n, err := x.conn.Read(buf)
		if n == 0 {
			return 0, err
		}
		x.buf = buf[:n]
	}
	b := x.buf[0]
	x.buf = x.buf[1:]
	return b, nil
}

// control acts on a command.
func (x *telnetSession) control(b byte) error {
	switch b {
	case tnWILL, tnWONT, tnDO, tnDONT:
		option, err := x.read()
		if err != nil {
			return err
		}
		return x.option(b, option)
	case tnSB:
		return x.sub()
	case tnAYT:
		x.srv.signal(b)
		return x.raw([]byte("\r\n[lab: yes]\r\n"))
	default:
		x.srv.signal(b)
		return nil
	}
}

// option takes the client's word. The server asks for all it wants by itself, so
// that it answers only what it did not ask for.
func (x *telnetSession) option(verb, option byte) error {
	if len(x.said) < 1000 {
		x.said = append(x.said, map[byte]string{tnWILL: "WILL ", tnWONT: "WONT ", tnDO: "DO ", tnDONT: "DONT "}[verb]+strconv.Itoa(int(option)))
	}
	switch {
	case option == tnECHO && verb == tnDO:
		x.echo = true
	case option == tnTTYPE && verb == tnWILL:
		return x.raw([]byte{tnIAC, tnSB, tnTTYPE, 1, tnIAC, tnSE})
	case option == tnENV && verb == tnWILL:
		return x.raw([]byte{tnIAC, tnSB, tnENV, 1, tnIAC, tnSE})
	case option == tnBINARY && verb == tnWILL:
		return x.raw([]byte{tnIAC, tnDO, tnBINARY})
	case option == tnBINARY && verb == tnDO && !x.binary:
		x.binary = true
		return x.raw([]byte{tnIAC, tnWILL, tnBINARY})
	}
	return nil
}

// sub reads a subnegotiation up to IAC SE.
func (x *telnetSession) sub() error {
	var data []byte
	for len(data) < maxTelnetSub {
		b, err := x.read()
		if err != nil {
			return err
		}
		if b == tnIAC {
			if b, err = x.read(); err != nil {
				return err
			}
			if b == tnSE {
				x.learn(data)
				return nil
			}
		}
		data = append(data, b)
	}
	return io.ErrShortBuffer
}

// learn notes what the client sends about itself.
func (x *telnetSession) learn(data []byte) {
	if len(data) < 2 {
		return
	}
	option, data := data[0], data[1:]
	switch {
	case option == tnTTYPE && data[0] == 0:
		x.term = string(data[1:])
	case option == tnNAWS && len(data) == 4:
		x.size = [2]int{int(data[0])<<8 | int(data[1]), int(data[2])<<8 | int(data[3])}
		x.srv.resized(x.size)
	case option == tnENV && data[0] == 0:
		x.env = telnetEnviron(data[1:])
	case option == tnSTARTTLS && data[0] == 1:
		x.follow = true
	}
}

// telnetEnviron reads the pairs of RFC 1572.
func telnetEnviron(data []byte) map[string]string {
	env := map[string]string{}
	name, value, inValue := "", "", false
	store := func() {
		if name != "" {
			env[name] = value
		}
		name, value, inValue = "", "", false
	}
	for i := 0; i < len(data); i++ {
		b := data[i]
		switch {
		case b == 0 || b == 3:
			store()
			continue
		case b == 1:
			inValue = true
			continue
		case b == 2 && i+1 < len(data):
			i++
			b = data[i]
		}
		if inValue {
			value += string(rune(b))
		} else {
			name += string(rune(b))
		}
	}
	store()
	return env
}
