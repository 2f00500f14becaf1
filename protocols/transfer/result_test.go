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
		{},
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
