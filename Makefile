# Every target does its own set-up; ARGS goes to the command behind it: make test ARGS="-k postgres"
.PHONY: demo up test crash month check clean

demo up test crash month:
	@scripts/$@ $(ARGS)

check clean:
	@scripts/$@
