package cli

// The shapes of small objects that verbs put together where they print them. The lines
// of the tests are compared with them as with all schemas.
type (
	sizeShape struct {
		Protocol string `json:"protocol"`
		URL      string `json:"url"`
		Size     int64  `json:"size"`
	}
	folderShape struct {
		Protocol string `json:"protocol"`
		Path     string `json:"path"`
	}
	numberShape struct {
		Protocol string `json:"protocol"`
		Number   int64  `json:"number"`
	}
	articleIDShape struct {
		Protocol  string `json:"protocol"`
		MessageID string `json:"message_id"`
	}
	dateShape struct {
		Protocol string `json:"protocol"`
		Date     string `json:"date"`
	}
	lineShape struct {
		Protocol string `json:"protocol"`
		Line     string `json:"line"`
	}
	recentShape struct {
		URL    string `json:"url"`
		Recent int64  `json:"recent"`
	}
	greetingShape struct {
		Protocol string `json:"protocol"`
		Greeting string `json:"greeting"`
	}
	robotsShape struct {
		Protocol string   `json:"protocol"`
		URL      string   `json:"url"`
		Agent    string   `json:"agent"`
		Allowed  bool     `json:"allowed"`
		Delay    float64  `json:"crawl_delay,omitempty"`
		Requests int      `json:"requests,omitempty"`
		Per      float64  `json:"per_seconds,omitempty"`
		Sitemaps []string `json:"sitemaps,omitempty"`
	}
	methodShape struct {
		Name   string    `json:"name"`
		Help   *string   `json:"help,omitempty"`
		Result *string   `json:"result,omitempty"`
		Params *[]string `json:"params,omitempty"`
	}
	calledShape struct {
		Method string      `json:"method"`
		Value  any         `json:"value,omitempty"`
		Fault  *faultShape `json:"fault,omitempty"`
	}
	anyValue  struct{} // of an XML-RPC server
	ownRights struct {
		URL    string `json:"url"`
		Rights string `json:"rights"`
	}
	placeShape struct {
		URL string `json:"url"`
	}
	localShape struct {
		Path string `json:"path"`
	}
	splitShape struct {
		URL      string `json:"url"`
		Fragment string `json:"fragment"`
	}
	pairShape struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	faultShape struct {
		Code int64  `json:"code"`
		Text string `json:"text"`
	}
)

// shapes are those of small objects, by the kind of object.
func shapes() map[string][]any {
	return map[string][]any{
		"size": {sizeShape{}}, "folder": {folderShape{}}, "number": {numberShape{}}, "articleID": {articleIDShape{}}, "date": {dateShape{}},
		"line": {lineShape{}}, "recent": {recentShape{}}, "greeting": {greetingShape{}}, "robots": {robotsShape{}}, "method": {methodShape{}},
		"called": {calledShape{}}, "value": {anyValue{}}, "own": {ownRights{}}, "pairs": {map[string]string{}}, "place": {placeShape{}, localShape{}},
		"urlTool": {"", partsJSON{}, splitShape{}, pairShape{}},
		"version": {versionJSON{}}, "protocol": {catalogJSON{}}, "host": {hostJSON{}}, "found": {found{}}, "profile": {profileJSON{}},
	}
}
