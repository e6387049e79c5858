import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.HashMap;
import java.util.Map;

/** A function for AWS's Java client, for the engine's tests. */
public class Handler implements RequestHandler<Map<String, Object>, Map<String, Object>> {
    @Override
    public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
        switch (String.valueOf(event.get("do"))) {
            case "fail":
                throw new IllegalStateException("it failed");
            case "exit":
                System.exit(9);
                break;
            case "sleep":
                try {
                    Thread.sleep(60000);
                } catch (InterruptedException e) {
                    throw new RuntimeException(e);
                }
                break;
            default:
        }
        Map<String, Object> answer = new HashMap<>();
        answer.put("id", event.get("ID"));
        answer.put("request", context.getAwsRequestId());
        return answer;
    }
}
