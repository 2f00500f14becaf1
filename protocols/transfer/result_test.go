package transfer

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"
)

func TestResultReadsWhatItWrites(t *testing.T) {
	for _, r := range []Result{
		{}, everyField(t),
		{Protocol: "ftp", Source: "ftp://h/a", Destination: "file:///a", Bytes: 5, Took: 1234567891 * time.Nanosecond, ResumedAt: 3, Status: StatusDone},
		{Status: StatusSkipped, Note: "newer"},
		{Status: StatusFailed, Err: errors.New("550 no")},
	} {
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var got Result
		if err := json.Unmarshal(b, &got); err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%s became %+v, %v", b, got, err)
		}
	}
	if err := json.Unmarshal([]byte(`{"bytes":"x"}`), new(Result)); err == nil {
		t.Error("a text was taken for a number")
	}
}

// everyField has a value in every field that is written, those of later versions included.
func everyField(t *testing.T) (r Result) {
	t.Helper()
	v := reflect.ValueOf(&r).Elem()
	for i := range v.NumField() {
		name, f := v.Type().Field(i).Name, v.Field(i)
		switch {
		case name == "Name": // is not written
		case f.Kind() == reflect.String:
			f.SetString(name)
		case f.Kind() == reflect.Int64:
			f.SetInt(int64(i+1) * int64(time.Second))
		case name == "Err":
			r.Err = errors.New("550 no")
		default:
			t.Fatalf("a field of kind %v: %s", f.Kind(), name)
		}
	}
	return r
}
