import java.net.HttpURLConnection;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;

/** Asks for a URL by one of Java's two clients, and prints the exception or the response. */
class Ask {
  public static void main(String[] args) {
    try {
      System.out.println(args[0].equals("Client") ? client(args[1]) : connection(args[1]));
    } catch (Exception exception) {
      System.out.println(exception);
    }
  }

  static String connection(String url) throws Exception {
    var connection = (HttpURLConnection) URI.create(url).toURL().openConnection();
    connection.getInputStream().close();
    return connection.getHeaderField(0);
  }

  static String client(String url) throws Exception {
    var client = HttpClient.newBuilder().proxy(ProxySelector.getDefault()).build();
    var response = client.send(HttpRequest.newBuilder(URI.create(url)).build(), BodyHandlers.ofString());
    return response.statusCode() + " with the content: " + response.body();
  }
}
