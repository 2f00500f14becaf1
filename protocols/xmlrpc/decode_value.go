package xmlrpc

import (
	"encoding/xml"
	"strings"
)

// value reads the rest of a value after its start. One without a type is a
// string, blanks and all.
func (d *decoder) value() (any, error) {
	var text []byte
	for {
		t, err := d.next()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.CharData:
			text = append(text, t...)
		case xml.EndElement:
			if t.Name.Local != "value" {
				return nil, bad("</%s> ends <value>", t.Name.Local)
			}
			return string(text), nil
		case xml.StartElement:
			if strings.TrimSpace(string(text)) != "" {
				return nil, bad("text %.40q before <%s>", text, t.Name.Local)
			}
			v, err := d.typed(t.Name.Local)
			if err != nil {
				return nil, err
			}
			return v, d.close("value")
		}
	}
}

// typed reads the rest of the element of a type.
func (d *decoder) typed(name string) (any, error) {
	switch name {
	case "array":
		return d.nested(d.array)
	case "struct":
		return d.nested(d.structure)
	case "base64":
		return d.base64()
	}
	if scalars[name] == nil {
		return nil, bad("unknown type <%.40s>", name)
	}
	text, err := d.text(name)
	if err != nil {
		return nil, err
	}
	v, err := parseScalar(name, text)
	if err != nil {
		return nil, syntax{err}
	}
	return v, nil
}

// nested reads something with values in it, if it is not too deep.
func (d *decoder) nested(read func() (any, error)) (any, error) {
	if d.depth == 0 {
		return nil, bad("arrays and structs nested too deep")
	}
	d.depth--
	v, err := read()
	d.depth++
	return v, err
}

func (d *decoder) array() (any, error) {
	all := []any{}
	name, err := d.start("array")
	if err != nil || name == "" {
		return all, err
	}
	if name != "data" {
		return nil, bad("<%s> in <array>", name)
	}
	for {
		name, err := d.start("data")
		if err != nil {
			return nil, err
		}
		if name == "" {
			return all, d.close("array")
		}
		if name != "value" {
			return nil, bad("<%s> in <data>", name)
		}
		v, err := d.value()
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
}

func (d *decoder) structure() (any, error) {
	all := map[string]any{}
	for {
		name, err := d.start("struct")
		if err != nil || name == "" {
			return all, err
		}
		if name != "member" {
			return nil, bad("<%s> in <struct>", name)
		}
		key, v, err := d.member()
		if err != nil {
			return nil, err
		}
		all[key] = v
	}
}

// member reads name and value, in either order.
func (d *decoder) member() (key string, v any, err error) {
	named, valued := false, false
	for {
		name, err := d.start("member")
		switch {
		case err != nil:
			return "", nil, err
		case name == "" && named && valued:
			return key, v, nil
		case name == "name" && !named:
			named = true
			key, err = d.text("name")
		case name == "value" && !valued:
			valued = true
			v, err = d.value()
		case name == "":
			err = bad("a member without name or value")
		default:
			err = bad("<%s> in <member>", name)
		}
		if err != nil {
			return "", nil, err
		}
	}
}
