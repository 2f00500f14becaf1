package xmlrpc

import (
	"fmt"
	"math"
	"reflect"
	"time"

	"github.com/netclients/netclients/protocols"
)

// memberName returns the name of a field in XML-RPC: that of its tag, `xmlrpc:"name"`,
// or its own; empty for one that is left out, as unexported ones and "-" are.
func memberName(f reflect.StructField) string {
	switch name := f.Tag.Get("xmlrpc"); {
	case !f.IsExported() || name == "-":
		return ""
	case name != "":
		return name
	}
	return f.Name
}

// appendOther writes values of a program's own types as the nearest ones of XML-RPC.
func appendOther(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	item := func(dst []byte, i int) ([]byte, error) { return appendValue(dst, v.Index(i).Interface(), depth+1) }
	switch kind := v.Kind(); {
	case depth > mostNested: // pointers in a circle
		return nil, fmt.Errorf("values nested more than %d deep", mostNested)
	case kind == reflect.Pointer && v.IsNil():
		return appendTyped(dst, nil, depth)
	case kind == reflect.Pointer:
		return appendTyped(dst, v.Elem().Interface(), depth+1)
	case kind == reflect.Bool:
		return appendTyped(dst, v.Bool(), depth)
	case kind == reflect.String:
		return appendTyped(dst, v.String(), depth)
	case v.CanInt():
		return appendInt(dst, v.Int()), nil
	case v.CanUint() && v.Uint() <= math.MaxInt64:
		return appendInt(dst, int64(v.Uint())), nil
	case v.CanFloat():
		return appendDouble(dst, v.Float())
	case kind == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		return appendTyped(dst, v.Bytes(), depth)
	case kind == reflect.Slice || kind == reflect.Array:
		return appendArray(dst, v.Len(), item)
	case kind == reflect.Struct || kind == reflect.Map && v.Type().Key().Kind() == reflect.String:
		return appendStruct(dst, members(v), depth)
	}
	return nil, fmt.Errorf("a value of type %v cannot be sent", v.Type())
}

// members returns the members of a Go struct or map.
func members(v reflect.Value) map[string]any {
	out := map[string]any{}
	if v.Kind() == reflect.Map {
		for k, e := range v.Seq2() {
			out[k.String()] = e.Interface()
		}
		return out
	}
	for i := range v.NumField() {
		if name := memberName(v.Type().Field(i)); name != "" {
			out[name] = v.Field(i).Interface()
		}
	}
	return out
}

// Into stores a value that a call gave in what to points at: structs in Go structs,
// by the names of fields or their tags (`xmlrpc:"name"`), arrays in slices,
// dateTimes in [time.Time] too, and numbers where they fit. Members that have no
// field are dropped, and fields that have no member stay. Errors are of kind
// Protocol: the server gave something else than was thought.
func Into(v, to any) (err error) {
	defer recovered(&err)
	p := reflect.ValueOf(to)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return protocols.UsageError(proto, "", "xmlrpc.Into wants a pointer")
	}
	return store(p.Elem(), v)
}

func store(to reflect.Value, v any) error {
	if v == nil {
		to.SetZero()
		return nil
	}
	if from := reflect.ValueOf(v); from.Type().AssignableTo(to.Type()) {
		to.Set(from)
		return nil
	}
	if to.Kind() == reflect.Pointer {
		to.Set(reflect.New(to.Type().Elem()))
		return store(to.Elem(), v)
	}
	fits := false
	switch v := v.(type) {
	case int64:
		fits = storeInt(to, v)
	case float64:
		if fits = to.CanFloat(); fits {
			to.SetFloat(v)
		}
	case bool:
		if fits = to.Kind() == reflect.Bool; fits {
			to.SetBool(v)
		}
	case string:
		if fits = to.Kind() == reflect.String; fits {
			to.SetString(v)
		}
	case DateTime:
		if p, ok := to.Addr().Interface().(*time.Time); ok {
			var err error
			*p, err = v.Time()
			fits = err == nil
		}
	case []any:
		if to.Kind() == reflect.Slice {
			return storeItems(to, v)
		}
	case map[string]any:
		switch {
		case to.Kind() == reflect.Struct:
			return storeFields(to, v)
		case to.Kind() == reflect.Map && to.Type().Key().Kind() == reflect.String:
			return storeMembers(to, v)
		}
	}
	if !fits {
		return protocols.ProtocolError(proto, "", fmt.Sprintf("%.40q does not go into a %v", fmt.Sprint(v), to.Type()))
	}
	return nil
}

func storeInt(to reflect.Value, n int64) bool {
	switch {
	case to.CanInt() && !to.OverflowInt(n):
		to.SetInt(n)
	case to.CanUint() && n >= 0 && !to.OverflowUint(uint64(n)):
		to.SetUint(uint64(n))
	case to.CanFloat():
		to.SetFloat(float64(n))
	default:
		return false
	}
	return true
}

func storeItems(to reflect.Value, items []any) error {
	to.Set(reflect.MakeSlice(to.Type(), len(items), len(items)))
	for i, item := range items {
		if err := store(to.Index(i), item); err != nil {
			return err
		}
	}
	return nil
}

func storeFields(to reflect.Value, all map[string]any) error {
	for i := range to.NumField() {
		v, ok := all[memberName(to.Type().Field(i))]
		if !ok || !to.Type().Field(i).IsExported() {
			continue
		}
		if err := store(to.Field(i), v); err != nil {
			return err
		}
	}
	return nil
}

func storeMembers(to reflect.Value, all map[string]any) error {
	to.Set(reflect.MakeMapWithSize(to.Type(), len(all)))
	for k, v := range all {
		e := reflect.New(to.Type().Elem()).Elem()
		if err := store(e, v); err != nil {
			return err
		}
		to.SetMapIndex(reflect.ValueOf(k).Convert(to.Type().Key()), e)
	}
	return nil
}
