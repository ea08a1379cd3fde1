# Every target does its own set-up; ARGS goes to the command behind it: make test ARGS="-k postgres"
.PHONY: demo up test check clean

demo up test:
	@scripts/$@ $(ARGS)

check clean:
	@scripts/$@
