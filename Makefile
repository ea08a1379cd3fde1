# Every target does its own set-up; ARGS goes to the command behind it: make test ARGS="-k postgres"
.PHONY: demo up test crash check clean

demo up test crash:
	@scripts/$@ $(ARGS)

check clean:
	@scripts/$@
